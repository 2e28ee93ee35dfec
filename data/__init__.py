"""The facts: what is true and what may happen next.

This room holds tables, the task's life, pictures and settings. It imports no screen, no server and no wire: no
streamlit, fastapi or httpx. The two rooms above it meet only in the database that it owns.
"""
