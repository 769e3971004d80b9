#!/usr/bin/env python3
"""Judge a server that runs by the rules that `npx basehttp-conformance --export DIR` has written.

    python3 replay.py DIR http://127.0.0.1:8000 [--path /x] [--post /x] [--only host/]

Prints a verdict and an id for each rule, the same as the suite's own. It shows how little a program
in another language needs: sockets, JSON and regular expressions. What it leaves out are the reasons.
"""
import argparse, json, os, re, select, socket, struct, sys, time
from datetime import datetime, timezone
from urllib.parse import urlsplit

LOST, ALLOWED, PASSED = 0, 1, 2
MISSING, QUIET, UNDER_WAY = 3, 0.1, 0.05  # how long to wait, in seconds


class Line:
    """A connection, or several that follow each other under one name."""

    def __init__(self, received=''):
        self.socket = socket.create_connection(address, 5)
        self.received, self.settled, self.closed = received, len(received), False

    def read(self, wait):
        """Take what comes within this time; tell whether anything did."""
        if self.closed or not select.select([self.socket], [], [], wait)[0]:
            return False
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b''
        self.received += data.decode('latin-1')
        self.closed = data == b''
        return True

    def send(self, data):
        """A server that responds early, or reads no more, must not keep us here."""
        while data and not self.closed:
            readable, writable, _ = select.select([self.socket], [self.socket], [], MISSING)
            if readable:
                self.read(0)
            elif writable:
                try:
                    data = data[self.socket.send(data[:65536]):]
                except OSError:
                    return
            else:
                return

    def leave(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()
        self.received, self.closed = self.received[:self.settled], True


# -- What is said ------------------------------------------------------------------------------

def text_of(pieces):
    return ''.join(p if isinstance(p, str) else facts[p['fact']] if 'fact' in p
                   else p['repeat'] * p['times'] for p in pieces)


def play(rule, quiet=QUIET):
    """Hold a rule's conversation, and judge what came over each of its connections."""
    turns, lines, name = rule['connections'], {'a': Line()}, 'a'
    try:
        for action in rule['actions']:
            line, do = lines[name], action['do']
            while line.read(0):
                pass
            if do == 'pause':
                time.sleep(action['ms'] / 1000)
            elif do == 'line':
                name = action['name']
                lines[name] = lines.get(name) or Line()
            elif do == 'new':
                line.leave()
                lines[name] = Line(line.received)
            elif do == 'connect-again':
                while line.read(MISSING):
                    pass
                if line.closed:
                    lines[name] = Line(line.received)
            elif line.closed:
                continue
            elif do == 'send':
                line.send(text_of(action['bytes']).encode('latin-1'))
            elif do == 'trickle':
                for byte in text_of(action['bytes']).encode('latin-1'):
                    line.send(bytes([byte]))
                    time.sleep(action['ms'] / 1000)
            elif do == 'half-close':
                line.socket.shutdown(socket.SHUT_WR)
            elif do == 'wait-for':
                while action['text'] not in line.received and line.read(MISSING):
                    pass
                if action['text'] not in line.received:
                    return LOST
            elif do == 'wait-for-responses':
                wait(line, turns[name][:action['count']], 0, is_last=False)
                line.settled = len(line.received)
            else:  # leave, reset
                time.sleep(UNDER_WAY if do == 'reset' else 0)
                line.leave(do == 'reset')
        for name, list_ in turns.items():
            wait(lines[name], list_, quiet)
        return min(judge(list_, lines[name].received, lines[name].closed)
                   for name, list_ in turns.items())
    except OSError:
        return LOST
    finally:
        for line in lines.values():
            line.socket.close()


def wait(line, turns, quiet, is_last=True):
    """Wait until nothing that may still come could make it better; then a moment for what must not."""
    finals = sum(max(sum(not is_interim(r['codes'][0]) for r in answer['responses'])
                     for answer in turn['answers']) for turn in turns)
    while True:
        now = judge(turns, line.received, False)
        responses, rest = parse(turns, line.received, False)
        whole = sum(r['whole'] and not is_interim(r['code']) for r in responses)
        enough = now == PASSED or (0 < finals <= whole and rest == '')
        done = enough and not (is_last and judge(turns, line.received, True) > now)
        if done and quiet == 0 or not line.read(quiet if done else MISSING):
            return


# -- What came ---------------------------------------------------------------------------------

STATUS = re.compile(r'(HTTP/\d\.\d) ([1-9]\d\d) [\t -~\x80-\xff]*(?:\r\n|\Z)', re.A)
FIELD = re.compile(r"([\w!#$%&'*+.^`|~-]+):[ \t]*([^\0-\x08\n-\x1f\x7f]*?)[ \t]*", re.A)
TRAILER = re.compile(r'(?:(?!\r?\n)[^\n]*\n)*\r?\n')


def is_interim(code):
    return code.startswith('1') and code != '101'


def parse(turns, text, closed):
    """Take responses apart (RFC 9112 §6.3); give them, and what is left."""
    methods = [request['method'] for turn in turns for request in turn['requests']]
    responses = []
    while text.startswith('HTTP/') or not responses and text:
        head, end, rest = text.partition('\r\n\r\n')
        status = STATUS.match(head)
        if not end or not status or re.search(r'(?<!\r)\n', head):
            break
        code, found = status[2], map(FIELD.fullmatch, head.split('\r\n')[1:])
        fields = [(m[1].lower(), m[2]) for m in found if m]
        values = lambda name: [value for key, value in fields if key == name]
        coding = ','.join(values('transfer-encoding'))
        length = (values('content-length') or [''])[0]
        method = methods[0] if methods else ''
        body, text, whole = rest, '', closed  # to the end of the connection
        if code == '101' or method == 'CONNECT' and code[0] == '2':
            whole = True
        elif method == 'HEAD' or code[0] == '1' or code in ('204', '304'):
            body, text, whole = '', rest, True
        elif coding:
            if coding.lower().split(',')[-1].strip() == 'chunked':
                body, text, whole = unchunk(rest)
        elif re.fullmatch('[0-9]+', length):
            size = int(length)
            body, text, whole = rest[:size], rest[size:], len(rest) >= size
        responses.append({'version': status[1], 'code': code, 'fields': fields, 'body': body, 'whole': whole})
        methods = methods if code[0] == '1' else methods[1:]
    return responses, text


def unchunk(text):
    at, body = 0, ''
    while size := re.compile(r'([0-9a-fA-F]+)[^\n]*\n').match(text, at):
        length, at = int(size[1], 16), size.end()
        if length == 0:
            end = TRAILER.match(text, at)
            return (body, text[end.end():], True) if end else (text, '', False)
        body, at = body + text[at:at + length], at + length + 2
        if text[at - 2:at] != '\r\n':
            break
    return text, '', False


# -- Whether it is right -----------------------------------------------------------------------

def judge(turns, received, closed):
    return judge_from(turns, *parse(turns, received, closed), closed)


def judge_from(turns, responses, rest, closed):
    """Each turn must have one of its answers; those that win a point are tried first."""
    if not turns:
        return LOST if responses or rest else PASSED
    for answer in sorted(turns[0]['answers'], key=lambda answer: answer['allowed']):
        left = after(answer, responses)
        is_last, nothing = len(turns) == 1, answer['responses'] == []
        if left is None or is_last and (answer.get('closes', closed) != closed or nothing and left):
            continue
        later = judge_from(turns[1:], left, rest, closed)
        if later != LOST:
            return ALLOWED if answer['allowed'] else later
    return LOST


def after(answer, responses):
    """The responses after those that an answer asks for; None if they are not as it says."""
    for expected in answer['responses']:
        codes = expected['codes']
        fits_code = lambda response: {response['code'], response['code'][0] + 'xx'} & set(codes)
        while responses and is_interim(responses[0]['code']) and not fits_code(responses[0]):
            responses = responses[1:]
        if not responses or not fits_code(responses[0]) or not responses[0]['whole']:
            return None
        if not all(has_field(field, responses[0]) for field in expected['fields']):
            return None
        if 'body' in expected and not fits(expected['body'], responses[0]['body']):
            return None
        responses = responses[1:]
    return responses


def has_field(field, response):
    there = [value for name, value in response['fields'] if name == field['name'].lower()]
    if field['value'] is None:
        return not there
    if field['list']:
        there += [one.strip() for value in there for one in value.split(',')]
    return any(fits(field['value'], value, re.I if field['list'] else 0) for value in there)


def fits(pieces, text, flags=0):
    """Whether the text as a whole is what the pieces say."""
    regex = ''.join(f'(?P<{p["hole"].replace("-", "_")}{at}>{p["regex"]})' if 'hole' in p
                    else re.escape(text_of([p])) for at, p in enumerate(pieces))
    match = re.fullmatch(regex, text, re.S | re.A | flags)
    return match is not None and all(
        is_date(value, name.startswith('http'))
        for name, value in match.groupdict().items() if 'date' in name)


def is_date(text, is_now):
    form = '%a, %d %b %Y %H:%M:%S GMT'
    try:
        date = datetime.strptime(text, form).replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    return date.strftime(form) == text and (not is_now or abs(date.timestamp() - time.time()) <= 120)


# -- The run -----------------------------------------------------------------------------------

def conduct(rule):
    """The rule between two controls; what is held against the server happens twice."""
    control = rules.get(rule.get('control'))
    if not has.issuperset(rule['needs'] + (control or rule)['needs']):
        return 'skip'
    first = 'untold' if not serves(control) else once(rule, control)
    if first in ('pass', 'allowed', 'untold'):
        return first
    second = once(rule, control) if serves(control) else 'untold'
    return first if first in (second, 'dies') else 'untold' if second == 'untold' else 'unsteady'


def once(rule, control):
    worth = play(rule)
    if worth == LOST and rule.get('version', version) != version == 'HTTP/1.0':
        worth = ALLOWED
    if not serves(control):
        return 'untold' if listens() else 'dies'
    lost = 'warn' if rule['level'] in ('SHOULD', 'MAY') else 'fail'
    return {PASSED: 'pass', ALLOWED: 'allowed', LOST: lost}[worth]


def serves(control):
    return control is None or any(play(control, quiet=0) == PASSED for _ in range(2))


def listens():
    try:
        Line().leave()
        return True
    except OSError:
        return False


def get(path):
    line = Line()
    fields = f'Host: {facts["authority"]}\r\nConnection: close'
    line.send(f'GET {path} HTTP/1.1\r\n{fields}\r\n\r\n'.encode())
    while line.read(MISSING):
        pass
    responses, _ = parse([], line.received, line.closed)
    return next((one for one in responses if one['code'] == '200' and one['whole']), None)


parser = argparse.ArgumentParser()
parser.add_argument('folder')
parser.add_argument('url')
parser.add_argument('--path', default='/hello.txt')
parser.add_argument('--post', default='')
parser.add_argument('--only', default='')
flags = parser.parse_args()
with open(os.path.join(flags.folder, 'rules.json'), encoding='utf-8') as file:
    rules = {rule['id']: rule for rule in json.load(file)['rules']}
url = urlsplit(flags.url)
address = (url.hostname, url.port or 80)
facts = {'scheme': 'http', 'authority': url.netloc, 'path': flags.path, 'post': flags.post}
served, hello = get(flags.path), get('/hello.txt')
if served is None:
    sys.exit(f'GET {flags.path} at {url.netloc} gives no 200; name what is served: --path /x')
has = {'path', 'plain'}  # 'tls' is what this program has not learned
facts['body'], version = served['body'], served['version']
has |= {'folder'} if hello and hello['body'] == 'Hello, world!' else set()
has |= {'post'} if flags.post else set()
verdicts = []
for id_, rule in rules.items():
    if id_.startswith(flags.only):
        verdicts.append(conduct(rule))
        print(f'{verdicts[-1]:9}{id_}', flush=True)
print(', '.join(f'{verdicts.count(one)} {one}' for one in sorted(set(verdicts))))
sys.exit(int(any(one in ('fail', 'dies', 'unsteady') for one in verdicts)))
