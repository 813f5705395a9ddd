"""Everything the application can do: its actions, in /help order; its jobs; who hears which event."""

from openstoq.actions.action import Action
from openstoq.back_in_stock.settings import actions as settings

ACTIONS: tuple[Action, ...] = (*settings.ACTIONS,)
