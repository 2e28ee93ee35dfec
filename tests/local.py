"""Asks servers on this machine: `httpx.get` reads the world's certificates at each call, 20 ms, hundreds of times.

No connection is kept: the server at the other end is often killed, and its successor has the same port.
"""

import httpx

local = httpx.Client(
    verify=False, trust_env=False, timeout=20, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
)
