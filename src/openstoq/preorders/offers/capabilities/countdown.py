"""Countdown: the timer on the product page."""

from typing import Annotated, Any, Literal

from pydantic import Field

from openstoq.actions.capability import Capability
from openstoq.kernel.days import Day, LastDay
from openstoq.kernel.patch import UNSET, Settings, assign
from openstoq.kernel.types import Color, Copy, Line

Mode = Literal["to_schedule_end", "to_custom_date"]
Radius = Annotated[int, Field(ge=0, le=100)]


class UnitLabels(Settings):
    """The words under the timer's numbers."""

    days: Copy = "Days"
    hours: Copy = "Hours"
    minutes: Copy = "Mins"
    seconds: Copy = "Secs"


class Style(Settings):
    """The look of the timer."""

    type: Line = "boxes"
    text_color: Color = None
    background_color: Color = None
    border_radius: Radius | None = None


class Countdown(Settings):
    """A timer to the schedule's end, or to a date of its own."""

    enabled: bool = False
    mode: Mode = "to_schedule_end"
    custom_start_date: Day | None = None
    custom_end_date: LastDay | None = None
    format: Line = "dhms"
    starts_text: Copy = "Preorder starts in"
    ends_text: Copy = "Preorder ends in"
    unit_labels: UnitLabels = UnitLabels()
    style: Style = Style()


capability = Capability(
    Countdown,
    name="countdown",
    about="the countdown timer configuration of a preorder offer",
    note="text is an alias for ends_text; an explicit ends_text wins when both are sent. "
    "custom_end_date has no visible effect unless mode is to_custom_date.",
    aliases=("countdown", "timer"),
    patch_only={"text": Copy},
)


@capability.translate
def text_is_ends_text(changes: dict[str, Any]) -> None:
    """Rename the alias `text` in `changes` to `ends_text`, unless `ends_text` was sent as well.

    If both were sent, `ends_text` counts, and `text` is dropped.
    """
    if "text" in changes:
        changes.setdefault("ends_text", changes.pop("text"))
        changes.pop("text", None)


@capability.edit("count down to a date")
def set_custom_end_date(countdown: Countdown, *, date: LastDay | None) -> None:
    """Set the custom end date for the countdown timer.

    Has no visible effect unless mode is to_custom_date.
    """
    countdown.custom_end_date = date


@capability.edit("change closing text")
def set_ends_text(countdown: Countdown, *, text: Copy) -> None:
    """Set the text shown next to the countdown timer when the offer is closing."""
    countdown.ends_text = text


@capability.edit("follow the schedule")
def set_mode(countdown: Countdown, *, mode: Mode) -> None:
    """Set whether the countdown timer follows the offer's schedule or a custom date."""
    countdown.mode = mode


@capability.edit("change opening text")
def set_starts_text(countdown: Countdown, *, text: Copy) -> None:
    """Set the text shown before the countdown timer when the offer hasn't started yet."""
    countdown.starts_text = text


@capability.edit("change countdown colors")
def set_style(
    countdown: Countdown,
    *,
    type: Line = UNSET,
    text_color: Color = UNSET,
    background_color: Color = UNSET,
    border_radius: Radius | None = UNSET,
) -> None:
    """Set the countdown timer's visual style (type, colors, border radius)."""
    assign(
        countdown.style,
        type=type,
        text_color=text_color,
        background_color=background_color,
        border_radius=border_radius,
    )


@capability.edit("rename countdown units")
def set_unit_labels(
    countdown: Countdown,
    *,
    days: Copy = UNSET,
    hours: Copy = UNSET,
    minutes: Copy = UNSET,
    seconds: Copy = UNSET,
) -> None:
    """Set the unit labels for the countdown timer (Days/Hours/Mins/Secs)."""
    assign(countdown.unit_labels, days=days, hours=hours, minutes=minutes, seconds=seconds)
