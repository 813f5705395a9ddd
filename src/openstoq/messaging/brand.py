"""A shop's brand: how its mails and pages look, and whom they come from."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from openstoq.kernel.contacts import email_address
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Clean, OnOneLine, none_if_empty
from openstoq.messaging.mime import web_address

# Mail programs for the desktop read no other form of color.
_HEX = "#[0-9a-fA-F]{6}"
# The luminance (WCAG 2) from which black is easier to read on a colour than white.
_BRIGHT = 0.179
BLACK, WHITE = "#14161a", "#ffffff"


def _color(value: str) -> str:
    if not re.fullmatch(_HEX, value):
        raise ValueError("must be a color such as #1A2B3C, which all mail programs can read")
    return value


def _mailable(value: str) -> str:
    address = email_address(value)
    if not address.isascii():
        raise ValueError("must be an e-mail address in ASCII, because not every relay takes others")
    return address


def _picture(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("must begin with https://, because mail programs show no other pictures")
    return web_address(value)


HexColor = Annotated[
    Annotated[
        str,
        AfterValidator(_color),
        WithJsonSchema({"type": "string", "pattern": f"^{_HEX}$"}, mode="validation"),
    ]
    | None,
    BeforeValidator(none_if_empty),
]
Address = Annotated[
    Annotated[
        str,
        Field(max_length=254),
        AfterValidator(_mailable),
        OnOneLine,
        WithJsonSchema({"type": "string", "maxLength": 254, "format": "email"}, mode="validation"),
    ]
    | None,
    BeforeValidator(none_if_empty),
]
PictureUrl = Annotated[
    Annotated[
        str,
        Field(max_length=2000),
        AfterValidator(_picture),
        OnOneLine,
        WithJsonSchema(
            {"type": "string", "maxLength": 2000, "pattern": "^https://"}, mode="validation"
        ),
    ]
    | None,
    BeforeValidator(none_if_empty),
]


class Brand(Settings):
    """The look of a shop's mails, their footer and their sender; null stands for the default."""

    logo_url: PictureUrl = None
    logo_width: Annotated[int, Field(ge=24, le=400)] = 140
    button_color: HexColor = None
    button_text_color: HexColor = None
    background_color: HexColor = None
    footer: Annotated[str | None, Field(max_length=1000), Clean] = None
    sender: Address = None
    sender_name: Annotated[str | None, Field(max_length=100), OnOneLine] = None
    reply_to: Address = None

    def variables(self) -> dict[str, object]:
        """Return the brand as templates see it: every colour is set, and `is_plain` if none was.

        Where only the button's colour is set, its text is black or white, whichever is easier to
        read.
        """
        button = self.button_color or BLACK
        return {
            "logo_url": self.logo_url,
            "logo_width": self.logo_width,
            "button_color": button,
            "button_text_color": self.button_text_color or readable_on(button),
            "background_color": self.background_color or "#f3f3f1",
            "has_button_color": self.button_color is not None,
            "footer": self.footer or None,
        }


def readable_on(color: str) -> str:
    """Return black or white, whichever has more contrast with `color`, such as #1A2B3C."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB's
        for part in parts
    )
    return BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _BRIGHT else WHITE
