"""What each chunk must become, by Python's msgpack and json and nothing of the encoder.

Reads a JSON line for each chunk: its options, its tag, its bytes and what the encoder
made of it. Prints the first differences, and one line of figures.
"""

import base64
import codecs
import decimal
import hashlib
import json
import math
import re
import struct
import sys

import msgpack


class Skip(Exception):
    """Python cannot tell what it must be."""


class TooDeep(Exception):
    pass


class Map(list):
    """The pairs of a map, in their order."""


MAX_DEPTH = 128


def count_bad(data):
    bad = 0

    def handler(e):
        nonlocal bad
        bad += 1
        return "\ufffd", e.end

    codecs.register_error("count", handler)
    data.decode("utf-8", "count")
    return bad


def repaired(data):
    return data.decode("utf-8", "replace")


def is_text(data):
    bad = count_bad(data)
    if bad == 0:
        return True
    controls = any(c < 0x20 and c not in (8, 9, 10, 11, 12, 13, 27) or c == 0x7F for c in data)
    return not controls and bad <= len(data) // 4


SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def escaped(text):
    """The tokens of a JSON string."""
    return [SHORT.get(ord(c)) or ("\\u%04x" % ord(c) if ord(c) < 0x20 else c) for c in text]


def quoted(text):
    return '"' + "".join(escaped(text)) + '"'


def as_float32(v):
    try:
        return struct.unpack(">f", struct.pack(">f", v))[0]
    except OverflowError:
        return None


def float_text(v):
    if math.isnan(v) or math.isinf(v):
        return "null"
    if as_float32(v) == v and any(
        as_float32(float("%.*g" % (n, v))) == v and float("%.*g" % (n, v)) != v for n in range(1, 10)
    ):
        raise Skip("a float that may have been one of 32 bits, which are written shorter")
    return shortest(v)


def shortest(v):
    if v == 0:
        return "-0" if math.copysign(1, v) < 0 else "0"
    sign, digits, exponent = decimal.Decimal(repr(v)).as_tuple()
    digits = "".join(map(str, digits))
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    digits = stripped
    minus = "-" if sign else ""
    point = len(digits) + exponent
    if abs(v) < 1e-6 or abs(v) >= 1e21:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return "%s%s%se%s%d" % (minus, digits[0], rest, "-" if point < 1 else "+", abs(point - 1))
    if exponent >= 0:
        return minus + digits + "0" * exponent
    if point > 0:
        return minus + digits[:point] + "." + digits[point:]
    return minus + "0." + "0" * -point + digits


def civil(days):
    """The date of a day since 1970 (Howard Hinnant's civil_from_days)."""
    z = days + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


def iso(sec, nsec):
    days, rest = divmod(sec, 86400)
    year, month, day = civil(days)
    year = "-%04d" % -year if year < 0 else "%04d" % year
    return '"%s-%02d-%02dT%02d:%02d:%02d.%09dZ"' % (year, month, day, rest // 3600, rest // 60 % 60, rest % 60, nsec)


def time_text(sec, nsec, form):
    if form == 0:
        return iso(sec, nsec)
    total = sec * 10**9 + nsec
    sign = "-" if total < 0 else ""
    if form == 1:
        if sec < 0:
            return "-%d.%09d" % divmod(-total, 10**9)
        return "%d.%09d" % (sec, nsec)
    if form == 2:
        return str(sec * 1000 + nsec // 10**6)
    if sec < 0 and total == 0:
        return "-0"
    return sign + str(abs(total))


def event_time(data):
    sec, nsec = struct.unpack(">II", data)
    return sec + nsec // 10**9, nsec % 10**9


HEX = set(b"0123456789abcdefABCDEF")


def is_id(key, data):
    if key == b"trace_id":
        return len(data) == 16 and not HEX.issuperset(data)
    return key == b"span_id" and len(data) == 8


def raw_bytes(v):
    """The bytes of a string or a binary value; None: it is neither."""
    if isinstance(v, str):
        return v.encode("utf-8", "surrogateescape")
    return v if isinstance(v, bytes) else None


def text_of(v, depth, key=None, in_key=False):
    """v as JSON. key are the bytes of the key that it, or what it stands in, has."""
    if v is None:
        return "null"
    if v is True or v is False:
        return "true" if v else "false"
    if isinstance(v, int):
        return str(v)
    if isinstance(v, float):
        return float_text(v)
    if isinstance(v, str):
        return quoted(repaired(raw_bytes(v)))
    if isinstance(v, bytes):
        if is_id(key, v):
            return '"' + v.hex() + '"'
        return quoted(repaired(v)) if is_text(v) else '"' + base64.b64encode(v).decode() + '"'
    if isinstance(v, msgpack.Timestamp):
        v = msgpack.ExtType(-1, v.to_bytes())
    if isinstance(v, msgpack.ExtType):
        if v.code == 0 and len(v.data) == 8:
            return iso(*event_time(v.data))
        code = v.code - 256 if v.code > 127 else v.code
        return '{"type":%d,"data":"%s"}' % (code, base64.b64encode(v.data).decode())
    if depth > MAX_DEPTH:
        raise TooDeep
    if isinstance(v, Map):
        return object_text(entries_of(v, depth, in_key))
    return "[" + ",".join(text_of(e, depth + 1, key, in_key) for e in v) + "]"


def key_text(k, depth, in_key):
    """The text of a key, and the bytes that an accessor sees."""
    data = raw_bytes(k)
    if isinstance(k, str):
        return repaired(data), data
    ext = isinstance(k, (msgpack.ExtType, msgpack.Timestamp))
    nested = ext or isinstance(k, (Map, list))
    if nested and in_key:
        raise TooDeep
    text = text_of(k, depth + 1, None, in_key or nested)
    if text.startswith('"'):
        return json.loads(text), data
    return text, data


def entries_of(pairs, depth, in_key=False):
    entries = []
    for k, v in pairs:
        text, data = key_text(k, depth, in_key)
        entries.append((text, text_of(v, depth + 1, data, in_key)))
    return entries


dropped = 0  # bytes that are written and do not stay, in the current event: entries that others replace, ends of keys


def size_of(k, v):
    """The bytes of an entry before any is dropped; the encoding may count each before it drops any."""
    return len((quoted(k) + v).encode())


def object_text(entries):
    global dropped
    last = {k: i for i, (k, _) in enumerate(entries)}
    dropped += sum(size_of(k, v) for i, (k, v) in enumerate(entries) if last[k] != i)
    return "{" + ",".join(quoted(k) + ":" + v for i, (k, v) in enumerate(entries) if last[k] == i) + "}"


def is_empty(v):
    return v is None or isinstance(v, (Map, list)) and len(v) == 0


def member(v, name):
    """The last value of that key in a map; KeyError: there is none."""
    found = [value for k, value in v if raw_bytes(k) == name] if isinstance(v, Map) else []
    if not found:
        raise KeyError(name)
    return found[-1]


SECRETS = {b"hec_token", b"authorization", b"access_token", b"api_key", b"apikey", b"password", b"secret"}


def public(metadata):
    if not isinstance(metadata, Map):
        return metadata
    return Map((k, v) for k, v in metadata if (raw_bytes(k) or b"").lower() not in SECRETS)


def observed(metadata):
    if isinstance(metadata, Map):
        for _, v in metadata:
            try:
                ns = member(v, b"observed_timestamp")
            except KeyError:
                continue
            if isinstance(ns, int) and not isinstance(ns, bool) and ns > 0:
                return divmod(ns, 10**9)
    return None


def fnv(data):
    h = 14695981039346656037
    for c in data:
        h = (h ^ c) * 1099511628211 % 2**64
    return h


def reserve(entries, reserved):
    """The entries by policy, and how many are reserved."""
    global dropped
    names, most = reserved["Names"] or [], reserved["MaxBytes"]
    kept, count = [], 0
    for k, v in entries:
        size = len(k.encode())
        hit = most > 0 and (size == 0 or size > most)
        hit = hit or any(k == n or n.endswith(":") and k.startswith(n) for n in names)
        if not hit:
            kept.append((k, v))
            continue
        count += 1
        if reserved["Policy"] > 0:
            dropped += size_of(k, v)
        if reserved["Policy"] == 0:
            kept.append((k, v))
        elif reserved["Policy"] == 1:
            kept.append((renamed(k, most), v))
    return kept, count


def renamed(k, most):
    tokens = escaped(k)
    text = "".join(tokens)
    if k == "":
        return "record_"
    if len(text.encode()) + 6 <= most or most == 0:
        return "record" + k
    left, keep = most - 6 - 17, 0
    while keep < len(tokens) and len(tokens[keep].encode()) <= left:
        left -= len(tokens[keep].encode())
        keep += 1
    return "record" + k[:keep] + "_%016x" % fnv(text.encode())


ACCESSOR = re.compile(rb"\$TAG(?:\[(?:(\d+)|'(\w+)')\])?|\$([A-Za-z_][\w.-]*)((?:\['\w+'\]|\[\d+\])*)")
CONTAINER = re.compile(
    rb"(?:^|.*?\.)var\.log\.containers\.(?P<pod>[a-z0-9.-]+)_(?P<namespace>[a-z0-9-]+)_(?P<container>[a-z0-9-]+)-[a-z0-9]{64}\.log", re.S)
MAX_FIELD = 1024


def cut(data):
    """At most MAX_FIELD bytes, between two characters."""
    if len(data) <= MAX_FIELD:
        return data
    for n in range(MAX_FIELD, MAX_FIELD - 4, -1):
        if data[n] & 0xC0 != 0x80:
            return data[:n]
    return data[:MAX_FIELD]


def of_tag(tag, number, name):
    if number is not None:
        parts = tag.split(b".")
        return parts[int(number)] if int(number) < len(parts) else b""
    if name is not None:
        m = CONTAINER.fullmatch(tag)
        return m[name.decode()] if m else b""
    return tag


def extract(record, template, tag):
    """What a template of the test makes of a record."""
    if not template:
        return b""
    if "$" not in template:
        return cut(of_record(record, [template.encode()]))
    text, end, template = b"", 0, template.encode()
    for m in ACCESSOR.finditer(template):
        if m[3] is None:
            value = of_tag(tag, m[1], m[2])
        else:
            steps = re.findall(rb"\['(\w+)'\]|\[(\d+)\]", m[4])
            value = of_record(record, [m[3]] + [int(n) if n else k for k, n in steps])
        if not value:
            return b""
        text, end = text + template[end:m.start()] + value, m.end()
    return cut(text + template[end:])


def of_record(record, steps):
    try:
        v = record
        for step in steps:
            if isinstance(step, int):
                if isinstance(v, Map) or not isinstance(v, list) or step >= len(v):
                    return b""
                v = v[step]
            else:
                v = member(v, step)
    except KeyError:
        return b""
    data = raw_bytes(v)
    if data is not None:
        return cut(data)
    if isinstance(v, (bool, int, float)):
        text = text_of(v, 2).encode()
        return b"" if text == b"null" else text
    return b""


class Oracle:
    def __init__(self, case):
        self.o, self.tag = case["Options"], base64.b64decode(case["Tag"])
        self.chunk = base64.b64decode(case["Chunk"])
        self.records, self.rejects = [], []
        self.group, self.reserved, self.overridden = None, 0, 0
        self.id = hashlib.sha256(struct.pack(">Q", len(self.tag)) + self.tag + self.chunk).digest()[:16].hex()

    def reject(self, offset, end, *classes):
        self.rejects.append((offset, end - offset, classes))

    def run(self):
        unpacker = msgpack.Unpacker(
            raw=False, unicode_errors="surrogateescape", strict_map_key=False, object_pairs_hook=Map,
            max_buffer_size=len(self.chunk))
        unpacker.feed(self.chunk)
        offset, in_run = 0, False
        while offset < len(self.chunk):
            try:
                v = unpacker.unpack()
            except (msgpack.OutOfData, msgpack.FormatError):
                self.reject(offset, len(self.chunk), "broken")
                return
            except (ValueError, msgpack.StackError) as e:
                if "exceeds max_" in str(e):  # a length beyond the end of the chunk
                    self.reject(offset, len(self.chunk), "broken")
                    return
                raise Skip("Python's msgpack: %r" % e)
            end = unpacker.tell()
            scalar = not isinstance(v, list)
            if scalar and in_run:
                start, length, classes = self.rejects[-1]
                self.rejects[-1] = (start, length + end - offset, classes)
            elif scalar:
                self.reject(offset, end, "malformed")
            else:
                self.event(v, offset, end)
            in_run, offset = scalar, end

    def event(self, v, offset, end):
        if isinstance(v, Map):
            if any(raw_bytes(k) == b"metrics" for k, _ in v):
                raise Skip("metrics")
            return self.reject(offset, end, "malformed")
        if len(v) != 2:
            return self.reject(offset, end, "malformed")
        at, metadata, record = v[0], None, v[1]
        second_layout = isinstance(at, list) and not isinstance(at, Map)
        if second_layout:
            if len(at) != 2:
                return self.reject(offset, end, "malformed")
            at, metadata = at
        time, marker = self.time(at)
        if time is None:
            return self.reject(offset, end, "malformed")
        if marker and second_layout:
            start = marker == 0xFFFFFFFF and isinstance(record, Map) and isinstance(metadata, Map)
            if is_empty(metadata) and is_empty(record) or start and any(raw_bytes(k) == b"schema" for k, _ in metadata):
                return self.marker(marker, record, offset, end)
        if time == (0, 0) and self.o["ReplaceZeroTime"]:
            time = observed(metadata) or time
        global dropped
        dropped = 0
        try:
            text = self.value(record, metadata, time, offset)
        except TooDeep:
            return self.reject(offset, end, "deep", "large")
        o = self.o
        if len(text) <= o["MaxBytes"] and len(text) + dropped > 2 * o["MaxBytes"]:
            raise Skip("the encoding of a record ends at 4 times its limit, also for entries that others replace")
        if text == b"{}" and o["Format"] == 0 and (o["Reserved"]["Names"] or o["Reserved"]["MaxBytes"]):
            self.reserved += 1
            if o["Reserved"]["Policy"] == 2:
                return self.reject(offset, end, "empty")
        if o["MaxBytes"] and len(text) > o["MaxBytes"]:
            return self.reject(offset, end, "large")
        fields = record if isinstance(record, Map) else Map([("log", record)])
        self.records.append((text, extract(fields, o["KeyField"], self.tag), extract(fields, o["RouteField"], self.tag)) + time)

    def time(self, at):
        marker = 0
        if isinstance(at, msgpack.ExtType) and at.code == 0 and len(at.data) == 8:
            sec, nsec = struct.unpack(">II", at.data)
            if sec >= 0xFFFFFFFE and nsec == 0:
                marker = sec
            return event_time(at.data), marker
        if isinstance(at, bool) or not isinstance(at, (int, float)):
            return None, 0
        if not abs(at) <= 2**53:
            return None, 0
        whole = math.floor(at)
        nsec = 0
        if isinstance(at, float):
            scaled = (at - whole) * 1e9
            nsec = math.floor(scaled)
            nsec += scaled - nsec >= 0.5
        return (whole + nsec // 10**9, nsec % 10**9), 0

    def marker(self, marker, attributes, offset, end):
        self.group = None
        if marker == 0xFFFFFFFE or not self.o["GroupKey"]:
            return
        try:
            text = text_of(attributes, 2)
        except TooDeep:
            return self.reject(offset, end, "deep")
        if not is_empty(attributes):
            self.group = text

    def value(self, record, metadata, time, offset):
        o = self.o
        fields = record if isinstance(record, Map) else Map([("log", record)])
        if o["Format"] == 1:
            try:
                v = member(fields, o["RawKey"].encode())
            except KeyError:
                pass
            else:
                data = raw_bytes(v)
                return data if data is not None else text_of(v, 2).encode()
        entries = []
        if o["TimeKey"]:
            entries.append((o["TimeKey"], time_text(*time, o["TimeFormat"])))
        if o["RecordIDKey"]:
            entries.append((o["RecordIDKey"], '"%s-%d"' % (self.id, offset)))
        if o["TagKey"]:
            entries.append((o["TagKey"], quoted(repaired(self.tag))))
        if o["MetadataKey"] and not is_empty(public(metadata)):
            entries.append((o["MetadataKey"], text_of(public(metadata), 2)))
        if o["GroupKey"] and self.group:
            entries.append((o["GroupKey"], self.group))
        own = entries_of(fields, 1)
        if isinstance(record, Map):
            own, count = reserve(own, o["Reserved"])
            self.reserved += count
        names = {o[name] for name in ("RecordIDKey", "TagKey", "MetadataKey", "GroupKey")}
        if o["TimeOverrides"]:
            names.add(o["TimeKey"])
        theirs = [(k, v) for k, v in own if k in names and k]
        self.overridden += len(theirs)
        global dropped
        dropped += sum(size_of(k, v) for k, v in theirs)
        own = [e for e in own if e not in theirs]
        return object_text(entries + own).encode()


def check(number, case):
    oracle = Oracle(case)
    oracle.run()
    got = [tuple(base64.b64decode(r[k]) for k in ("Value", "Key", "Route")) + (r["Sec"], r["Nsec"]) for r in case["Records"]]
    for i in range(max(len(got), len(oracle.records))):
        g = got[i] if i < len(got) else None
        w = oracle.records[i] if i < len(oracle.records) else None
        if g != w:
            raise AssertionError("record %d\n got %r\nwant %r" % (i, g, w))
    rejects = [(r["Offset"], r["Length"], r["Class"], r["Count"]) for r in case["Rejects"]]
    same = len(rejects) == len(oracle.rejects) and all(
        g[:2] == w[:2] and g[2] in w[2] and g[3] == 1 for g, w in zip(rejects, oracle.rejects))
    if not same:
        raise AssertionError("rejects\n got %r\nwant %r" % (rejects, oracle.rejects))
    if not oracle.rejects and case["Reserved"] != oracle.reserved:
        raise AssertionError("%d reserved keys, want %d" % (case["Reserved"], oracle.reserved))
    if not oracle.rejects and case["Overridden"] != oracle.overridden:
        raise AssertionError("%d overridden keys, want %d" % (case["Overridden"], oracle.overridden))
    if case["Options"]["Format"] == 0:
        for value, *_ in got:
            json.loads(value)
    return len(got), len(rejects)


def main():
    chunks = skipped = records = rejects = wrong = 0
    for line in sys.stdin:
        case = json.loads(line)
        chunks += 1
        try:
            r, j = check(chunks, case)
            records, rejects = records + r, rejects + j
        except Skip:
            skipped += 1
        except AssertionError as e:
            wrong += 1
            if wrong <= 5:
                print("chunk %d, options %s, tag %s, %s\n%s" % (
                    chunks, json.dumps(case["Options"]), case["Tag"], base64.b64decode(case["Chunk"]).hex(), e))
    print("%d chunks, %d records, %d rejects, %d skipped, %d differ" % (chunks, records, rejects, skipped, wrong))
    sys.exit(1 if wrong or skipped > chunks // 20 else 0)


main()
