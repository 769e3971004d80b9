"""A real CPython as a target of the suite: the article's programs, the file server, and the
handler of the recordings, each as it is in handlers.ts and custom-handler.ts.

    python cpython.py APP PORT ROOT     serve; prints READY <port>, ends on SIGTERM
    python cpython.py                   print the names of the apps that this Python can serve

Runs on CPython 3.6 and later. `post` needs the cgi module, which left in 3.13.
"""

import mimetypes

# The table of types must be the one of the library, and not that of the machine.
mimetypes.knownfiles = []
mimetypes.init()

import calendar
import datetime
import json
import os
import runpy
import ssl
import sys
import threading
import time
import urllib.parse
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from socketserver import ThreadingMixIn


# -- The article's programs --------------------------------------------------------------------

class GetHandler(BaseHTTPRequestHandler):

    def do_GET(self):
        parsed_path = urllib.parse.urlparse(self.path)
        message_parts = [
            'CLIENT VALUES:',
            'client_address={} {}'.format(self.client_address, self.address_string()),
            'command={}'.format(self.command),
            'path={}'.format(self.path),
            'real_path={}'.format(parsed_path.path),
            'query={}'.format(parsed_path.query),
            'request_version={}'.format(self.request_version),
            '',
            'SERVER VALUES:',
            'server_version={}'.format(self.server_version),
            'sys_version={}'.format(self.sys_version),
            'protocol_version={}'.format(self.protocol_version),
            '',
            'HEADERS RECEIVED:',
        ]
        for name, value in sorted(self.headers.items()):
            message_parts.append('{}={}'.format(name, value.rstrip()))
        message_parts.append('')
        message = '\r\n'.join(message_parts)
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.end_headers()
        self.wfile.write(message.encode('utf-8'))


class PostHandler(BaseHTTPRequestHandler):

    def do_POST(self):
        import cgi
        import io
        form = cgi.FieldStorage(
            fp=self.rfile,
            headers=self.headers,
            environ={
                'REQUEST_METHOD': 'POST',
                'CONTENT_TYPE': self.headers['Content-Type'],
            },
        )
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.end_headers()
        out = io.TextIOWrapper(
            self.wfile, encoding='utf-8', line_buffering=False, write_through=True)
        out.write('Client: {}\n'.format(self.client_address))
        out.write('User-agent: {}\n'.format(self.headers['user-agent']))
        out.write('Path: {}\n'.format(self.path))
        out.write('Form data:\n')
        for field in form.keys():
            field_item = form[field]
            if field_item.filename:
                file_data = field_item.file.read()
                file_len = len(file_data)
                del file_data
                out.write('\tUploaded {} as {!r} ({} bytes)\n'.format(
                    field, field_item.filename, file_len))
            else:
                out.write('\t{}={}\n'.format(field, form[field].value))
        out.detach()


class ThreadsHandler(BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.end_headers()
        message = threading.currentThread().getName()
        self.wfile.write(message.encode('utf-8'))
        self.wfile.write(b'\n')


class ErrorHandler(BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_error(404)


class SendHeaderHandler(BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.send_header('Last-Modified', self.date_time_string(time.time()))
        self.end_headers()
        self.wfile.write('Response body\n'.encode('utf-8'))


# -- Files -------------------------------------------------------------------------------------

class Simple11Handler(SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'


class ClockHandler(SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_CLOCK(self):
        moment = datetime.datetime.strptime(self.headers['X-Time'], '%Y-%m-%dT%H:%M:%SZ')
        stamp = calendar.timegm(moment.timetuple())
        time.time = lambda: stamp
        self.send_response(204)
        self.end_headers()


# -- The handler of the recordings -------------------------------------------------------------

class Custom10Handler(BaseHTTPRequestHandler):

    def param(self, name):
        """A request header, percent-decoded; None if it is absent."""
        value = self.headers.get(name)
        return None if value is None else urllib.parse.unquote(value)

    def reply(self, body):
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self):
        self.reply((self.command + ' ' + self.path + '\n').encode('latin-1'))

    do_lower = do_GET

    def do_HEAD(self):
        if 'X-Piece' in self.headers:
            self.do_STREAM()
        elif self.param('X-Code') is not None:
            self.do_ERROR()
        else:
            self.do_GET()

    def do_PUT(self):
        n = int(self.headers.get('Content-Length', '0'))
        body = self.rfile.read(n)
        head = '%s %s %d\n' % (self.command, self.path, len(body))
        self.reply(head.encode('latin-1') + body)

    do_POST = do_PUT

    # Python has no chunks: this is all of the body that it knows of.
    def do_BODY(self):
        n = int(self.headers.get('Content-Length', '0'))
        body = self.rfile.read(n)
        head = '%s %s %d\n' % (self.command, self.path, len(body))
        tail = '\nlen=%d\n' % len(self.headers)
        self.reply(head.encode('latin-1') + body + tail.encode('latin-1'))

    def do_ECHO(self):
        lines = ['command=' + json.dumps(self.command),
                 'path=' + json.dumps(self.path),
                 'request_version=' + json.dumps(self.request_version),
                 'requestline=' + json.dumps(self.requestline),
                 'close_connection=' + json.dumps(bool(self.close_connection))]
        for name, value in self.headers.items():
            lines.append(json.dumps(name) + ': ' + json.dumps(value))
        self.reply(('\n'.join(lines) + '\n').encode('ascii'))

    def do_LOOKUP(self):
        name = self.param('X-Name')
        lines = ['get=' + json.dumps(self.headers.get(name)),
                 'get_all=' + json.dumps(self.headers.get_all(name)),
                 'in=' + json.dumps(name in self.headers),
                 'len=%d' % len(self.headers)]
        self.reply(('\n'.join(lines) + '\n').encode('ascii'))

    def do_KEEP(self):
        self.send_response(204)
        self.send_header('Content-Type', 'text/html')
        self.send_header('Connection', 'keep-alive')
        self.end_headers()

    def do_CLOSE(self):
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.send_header('Connection', 'close')
        self.end_headers()

    def do_CONNHEADER(self):
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.send_header(self.param('X-Name') or 'Connection', self.param('X-Value'))
        self.end_headers()

    def do_KEYERROR(self):
        self.send_error(999)

    def do_NOTFOUND(self):
        self.send_error(404)

    def do_CUSTOM(self):
        self.send_response(999)
        self.send_header('Content-Type', 'text/html')
        self.send_header('Connection', 'close')
        self.end_headers()

    def do_LATINONEHEADER(self):
        self.send_response(999)
        self.send_header('X-Special', 'D\xe4ngerous Mind')
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(self.headers['x-special-incoming'].encode('utf-8'))

    def do_ERROR(self):
        self.send_error(int(self.param('X-Code')), self.param('X-Message'),
                        self.param('X-Explain'))

    def start(self, send):
        send(int(self.param('X-Code') or '200'), self.param('X-Message'))
        for line in self.headers.get_all('X-Header') or []:
            name, value = urllib.parse.unquote(line).split(': ', 1)
            self.send_header(name, value)

    def finish_response(self):
        self.end_headers()
        body = self.headers.get('X-Body')
        if body is not None:
            self.wfile.write(urllib.parse.unquote_to_bytes(body))

    def do_RESPONSE(self):
        self.start(self.send_response)
        self.finish_response()

    def do_ONLY(self):
        self.start(self.send_response_only)
        self.finish_response()

    def do_INTERIM(self):
        self.send_response_only(102)
        self.end_headers()
        self.do_GET()

    def do_TWICE(self):
        self.send_response(200)
        self.send_header('X-First', '1')
        self.send_response(404)
        self.send_header('X-Second', '2')
        self.send_header('Content-Length', '0')
        self.end_headers()

    def do_AGAIN(self):
        self.do_GET()
        self.send_response(404, 'Never')
        self.send_header('Content-Length', '0')
        self.end_headers()

    def do_EARLY(self):
        self.send_header('X-Early', 'before the status line')
        self.do_GET()

    def do_LATE(self):
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()
        self.send_header('X-Late', 'after end_headers')

    def do_NOEND(self):
        self.send_response(200)
        self.send_header('X-Left', 'over')

    def do_NORESPONSE(self):
        pass

    def do_RAW(self):
        self.wfile.write(b'raw bytes, no headers\n')

    def do_BROKEN(self):
        raise RuntimeError('boom')

    def do_PARTIAL(self):
        self.send_response(200)
        self.send_header('Content-Length', '100')
        self.end_headers()
        self.wfile.write(b'partial')
        raise RuntimeError('boom')

    def do_CHUNKED(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for piece in (b'hello ', b'chunked ', b'world\n'):
            self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
        self.wfile.write(b'0\r\n\r\n')

    # By hand, as all of it must be in Python.
    def do_STREAM(self):
        code = int(self.param('X-Code') or '200')
        in_chunks = min(self.protocol_version, self.request_version) >= 'HTTP/1.1'
        has_body = self.command != 'HEAD'
        if code in (204, 205, 304):
            raise ValueError('no body')
        own = ' '.join(self.headers.get_all('X-Header') or []).lower()
        if 'content-length' in own or 'transfer-encoding' in own:
            raise ValueError('two lengths')
        self.start(self.send_response)
        if in_chunks:
            self.send_header('Transfer-Encoding', 'chunked')
        else:
            self.close_connection = True
        self.end_headers()
        pieces = self.headers.get_all('X-Piece') if has_body else None
        for piece in map(urllib.parse.unquote_to_bytes, pieces or []):
            if in_chunks and piece:
                piece = b'%x\r\n%s\r\n' % (len(piece), piece)
            self.wfile.write(piece)
        if 'X-Fail' in self.headers:
            raise RuntimeError('boom')
        if in_chunks and has_body:
            self.wfile.write(b'0\r\n\r\n')

    def do_CLOSEATTR(self):
        self.reply(b'close_connection = True\n')
        self.close_connection = True

    def do_KEEPATTR(self):
        self.reply(b'close_connection = False\n')
        self.close_connection = False

    def do_DATE(self):
        stamp = float(self.param('X-Timestamp'))
        self.reply((self.date_time_string(stamp) + '\n').encode('ascii'))

    def do_LOG(self):
        message = self.param('X-Message') or ''
        self.log_message('message %s', message)
        self.log_error('error %s %d', message, 42)
        self.log_request()
        self.log_request(200, 15)
        self.log_request('-', 0)
        self.reply(b'logged\n')

    def do_VERSION(self):
        self.reply(('%s\n%s\n' % (self.version_string(), self.address_string())).encode('ascii'))

    do_NOTCALLABLE = 42

    def handle_expect_100(self):
        if self.path.startswith('/reject'):
            self.send_error(417)
            return False
        if self.path.startswith('/silent'):
            return False
        return super().handle_expect_100()


class Custom11Handler(Custom10Handler):
    protocol_version = 'HTTP/1.1'


class OverrideHandler(Custom11Handler):
    default_request_version = 'HTTP/1.1'
    server_version = 'Oracle/1.0'
    sys_version = ''
    error_message_format = '%(code)d|%(message)s|%(explain)s|100%%\n'
    error_content_type = 'text/plain;charset=utf-8'


# -- Serving -----------------------------------------------------------------------------------

HANDLERS = {
    'errors': ErrorHandler,
    'get': GetHandler,
    'post': PostHandler,
    'threads': ThreadsHandler,
    'send_header': SendHeaderHandler,
    'custom10': Custom10Handler,
    'custom11': Custom11Handler,
    'override': OverrideHandler,
    'simple': SimpleHTTPRequestHandler,
    'simple11': Simple11Handler,
    'clock': ClockHandler,
    'tls': Custom11Handler,
}


# The process changes to the document root.
FOLDER = os.path.dirname(os.path.abspath(__file__))


class TargetServer(HTTPServer):
    # The suite opens the next connection before the last one is gone.
    request_queue_size = 64


class ThreadingTargetServer(ThreadingMixIn, TargetServer):
    daemon_threads = True


def main():
    # cgi is deprecated from 3.11 on, currentThread() from 3.10 on; the log must not say so.
    warnings.simplefilter('ignore')
    try:
        import cgi
    except ImportError:
        del HANDLERS['post']
    if len(sys.argv) == 1:
        print(' '.join([*HANDLERS, 'files']))
        return
    app, port, root = sys.argv[1:]
    os.chdir(root)
    if app == 'files':
        # The command line itself, in this process because of the table of types.
        sys.argv = ['http.server', port, '--bind', '127.0.0.1']
        runpy.run_module('http.server', run_name='__main__')
        return
    server_class = ThreadingTargetServer if app == 'threads' else TargetServer
    server = server_class(('127.0.0.1', int(port)), HANDLERS[app])
    if app == 'tls':
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(FOLDER, 'localhost.pem'))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print('READY %d' % server.server_address[1], flush=True)
    server.serve_forever(0.1)


if __name__ == '__main__':
    main()
