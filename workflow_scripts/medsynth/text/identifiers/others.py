"""Forms in which reports of other languages than English and German name people."""

from __future__ import annotations

import re

_NAME = r"[^\W\d_a-z][\w'’-]*+(?:\s+[^\W\d_a-z][\w'’-]*+){0,2}"  # noqa: RUF001
_HAN = "\u3400-\u9fff"

FORMS = [
    # Romance and Slavic languages; "Sr." as written, since strontium has no full stop.
    re.compile(
        rf"\b(?:(?i:señora?|señorita|signora?|docteure?|doctora|doktor)|S(?:r|ra|ig)\.)\s+{_NAME}"
    ),
    re.compile(rf"\b(?i:д-р|доктор|врач|проф\.?|профессор|г-жа|г-н)\s+{_NAME}"),
    re.compile(r"(?:\bد\.|\b(?:ال)?دكتور(?:ة)?|\bالسيدة?)\s*\w+(?:\s\w+){0,2}"),
    # A name stands before its title there, and no space between.
    re.compile(rf"[{_HAN}]{{1,4}}(?=医生|醫生|医师|醫師|教授|先生|女士|主任)"),
]
