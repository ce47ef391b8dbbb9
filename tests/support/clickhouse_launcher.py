"""ClickHouse's own server in this process, until standard input ends.

``python -m support.clickhouse_launcher LIBRARY CONFIG DATA``: the library's entry is that of
``clickhouse local``, which starts the listeners that the configuration names when a statement says so.
"""

import ctypes
import sys

_SCRIPT = (
    "SYSTEM START LISTEN HTTP; SELECT count() FROM file('/dev/stdin', 'LineAsString') FORMAT Null"
)


def main(library: str, config: str, data: str) -> None:
    engine = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    engine.query_stable_v2.restype = ctypes.c_void_p
    words = ("clickhouse", f"--config-file={config}", f"--path={data}", f"--query={_SCRIPT}")
    encoded = [word.encode() for word in words]
    engine.query_stable_v2(len(encoded), (ctypes.c_char_p * len(encoded))(*encoded))


if __name__ == "__main__":
    main(*sys.argv[1:])
