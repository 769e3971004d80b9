/**
 * The public names of Python that have no counterpart here, and why.
 *
 * A name is that of a class or of a member, `CLASS.MEMBER`; several members of a class stand in one
 * entry. `python-names.ts` sees to it that no name is missing, and that none of these exists.
 *
 * @module
 */

/** Names of one module or class, and why they are not here. */
export type Absent = readonly [owner: string, names: string, reason: string]

const DATAGRAMS = 'There are no servers of datagrams here: HTTP/1.x needs a stream.'

export const ABSENT: readonly Absent[] = [
  [
    'http.server',
    'CGIHTTPRequestHandler',
    'It runs programs that lie on the disk. Deprecated in Python 3.13, and gone since 3.15.',
  ],
  ['http.server', 'executable nobody nobody_uid', 'For `CGIHTTPRequestHandler`.'],
  [
    'http.server',
    'test',
    "What `python -m http.server` calls. Here that is a program, [`cli.ts`](../lib/cli.ts), and not in the package's exports.",
  ],
  [
    'http.client.HTTPMessage',
    'add_header attach del_param replace_header set_boundary set_charset set_default_type set_param set_payload set_raw set_type set_unixfrom',
    'The headers of a request are read, and not changed.',
  ],
  [
    'http.client.HTTPMessage',
    'as_bytes as_string defects epilogue get_payload get_unixfrom is_multipart policy preamble raw_items walk',
    'Of an e-mail. The body of a request is in [`body`](../lib/http/base-handler.ts#BaseHTTPRequestHandler.body) and [`rfile`](../lib/socketserver/request-handler.ts#StreamRequestHandler.rfile).',
  ],
  [
    'http.client.HTTPMessage',
    'get_boundary get_charset get_charsets get_content_charset get_content_disposition get_content_maintype get_content_subtype get_content_type get_default_type get_filename get_param get_params',
    'Of an e-mail. What they take apart is in the values of `Content-Type` and `Content-Disposition`; for forms, [`FieldStorage`](../lib/cgi/field-storage.ts#FieldStorage) does it.',
  ],
  [
    'socketserver',
    'DatagramRequestHandler ForkingUDPServer ForkingUnixDatagramServer ThreadingUDPServer ThreadingUnixDatagramServer UDPServer UnixDatagramServer',
    DATAGRAMS,
  ],
  ['socketserver.ForkingMixIn', 'collect_children', 'Node tells by itself when a child has ended.'],
  [
    'socketserver.ThreadingMixIn',
    'process_request_thread',
    'A thread is a worker that handles many connections, one at a time: [`thread-main.ts`](../lib/socketserver/mixins/thread-main.ts).',
  ],
  [
    'socketserver.StreamRequestHandler',
    'connection',
    'It is [`request`](../lib/socketserver/request-handler.ts#BaseRequestHandler.request) by another name.',
  ],
  ['socketserver.StreamRequestHandler', 'rbufsize wbufsize', 'Both files have a buffer.'],
  ['socketserver.TCPServer', 'socket_type', 'It is a stream. There are no others here.'],
  [
    'cgi',
    'MiniFieldStorage',
    'A field of an urlencoded form is a [`FormField`](../lib/cgi/form-field.ts#FormField) like any other.',
  ],
  [
    'cgi',
    'parse parse_multipart',
    '[`FieldStorage.parse()`](../lib/cgi/field-storage.ts#FieldStorage.parse) reads both kinds of forms; [`parseQsl()`](../lib/stdlib/urls.ts#parseQsl) the query of a target.',
  ],
  [
    'cgi',
    'closelog dolog initlog log logfile logfp nolog',
    'The log of a CGI script. A handler has [`logMessage()`](../lib/http/base-handler.ts#BaseHTTPRequestHandler.logMessage).',
  ],
  [
    'cgi',
    'maxlen',
    'Here it has a default, `maxBytes` of [`FORM_LIMITS`](../lib/cgi/form-limits.ts#FORM_LIMITS).',
  ],
  [
    'cgi',
    'print_arguments print_directory print_environ print_environ_usage print_exception print_form test',
    'Pages for whoever debugs a CGI script.',
  ],
  [
    'cgi',
    'valid_boundary',
    'Inside the parser: [`isBoundary()`](../lib/cgi/multipart.ts#isBoundary).',
  ],
  [
    'cgi.FieldStorage',
    'encoding fp keep_blank_values',
    'An option of [`FieldStorage.parse()`](../lib/cgi/field-storage.ts#FieldStorage.parse), which is not kept: `encoding`, `fp`, `keepBlankValues`.',
  ],
  [
    'cgi.FieldStorage',
    'limit max_num_fields',
    'Of the limits there are more, and they have defaults: [`FORM_LIMITS`](../lib/cgi/form-limits.ts#FORM_LIMITS).',
  ],
  ['cgi.FieldStorage', 'errors', "What cannot be decoded is replaced, as by Python's default."],
  ['cgi.FieldStorage', 'separator', "Always `&`, which is Python's default."],
  ['cgi.FieldStorage', 'strict_parsing', 'Left out: Python is not strict either unless asked.'],
  [
    'cgi.FieldStorage',
    'qs_on_post',
    'The query of the target is not part of the form here. [`parseQsl()`](../lib/stdlib/urls.ts#parseQsl) reads it.',
  ],
  [
    'cgi.FieldStorage',
    'length',
    'How many bytes a field has is [`size`](../lib/cgi/form-field.ts#FormField.size).',
  ],
  [
    'cgi.FieldStorage',
    'disposition disposition_options type_options',
    'In the [`headers`](../lib/cgi/form-field.ts#FormField.headers) of the field.',
  ],
  [
    'cgi.FieldStorage',
    'FieldStorageClass bufsize bytes_read done innerboundary make_file outerboundary read_binary read_lines read_lines_to_eof read_lines_to_outerboundary read_multi read_single read_urlencoded skip_lines',
    'Inside the parser: [`multipart.ts`](../lib/cgi/multipart.ts), [`form-store.ts`](../lib/cgi/form-store.ts).',
  ],
]
