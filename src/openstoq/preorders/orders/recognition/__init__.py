"""Recognise preorders: by our selling plans, by the offers that lines name, by earlier readings."""
