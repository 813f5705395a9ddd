"""Recognise preorders by our selling plans, by offers that lines name, and by earlier readings."""
