/**
 * Real front ends, each set up to pass requests on to a server as its users would: nginx and HAProxy.
 *
 * ```text
 *   client --> nginx or HAProxy --> server
 *                    |                 |
 *              marks each request   tells which requests it saw
 * ```
 *
 * The front end puts the field {@link MARK} into every request that it passes on, and takes out what a client
 * may have put there. A request that reaches the server without a mark is one that the front end never saw.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startProgram } from '../targets/child.ts'
import type { RunningApp } from '../targets/target.ts'

/** The field: a number that no other request has, then method and target as the front end read them. */
export const MARK = 'X-Mark'

/** A program that can stand before a server. */
export interface FrontEnd {
  readonly name: string
  /** The program. */
  readonly program: 'nginx' | 'haproxy'
  /** The configuration, for its own port, that of the server, and a folder of its own. */
  readonly configuration: (port: number, backend: number, folder: string) => string
}

/** nginx, set up to pass on what comes, and whatever else is said. */
export function nginx(more: string): FrontEnd['configuration'] {
  return (port, backend, folder) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join(' ')
    // One connection to the server, which all clients share. Clients here end their side when they have
    // sent all, which nginx otherwise takes for leaving.
    return `
    daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http {
      access_log off; ${temporary}
      upstream server { server 127.0.0.1:${String(backend)} max_fails=0; keepalive 1; }
      server {
        listen 127.0.0.1:${String(port)};
        ${more}
        location / {
          proxy_pass http://server; proxy_http_version 1.1;
          proxy_set_header Connection ""; proxy_ignore_client_abort on;
          proxy_set_header ${MARK} "$connection.$connection_requests $request_method $request_uri";
        }
      }
    }`
  }
}

function haproxy(more: string): FrontEnd['configuration'] {
  return (port, backend) => `
global
  maxconn 100
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 2s
  timeout server 5s
  timeout http-request 2s
  retries 0
frontend clients
  bind 127.0.0.1:${String(port)}
${more}
  http-request set-header ${MARK} "%rt %HM %HU"
  default_backend servers
backend servers
  server one 127.0.0.1:${String(backend)} pool-max-conn 1
`
}

/** For requests of which a part never comes. */
const SHORT = 'client_header_timeout 2s; client_body_timeout 2s; proxy_read_timeout 5s;'

/** All of them: as they come, and as lenient as they can be told to be. */
export const FRONT_ENDS: readonly FrontEnd[] = [
  { name: 'nginx', program: 'nginx', configuration: nginx(SHORT) },
  {
    name: 'nginx that sends bodies as they come',
    program: 'nginx',
    configuration: nginx(
      `${SHORT} proxy_request_buffering off; ignore_invalid_headers off; underscores_in_headers on;`,
    ),
  },
  { name: 'HAProxy', program: 'haproxy', configuration: haproxy('') },
  {
    name: 'HAProxy that accepts invalid requests',
    program: 'haproxy',
    configuration: haproxy('  option accept-invalid-http-request'),
  },
]

/** Whether this machine has a program. */
export function isInstalled({ program }: FrontEnd): boolean {
  return spawnSync(program, ['-v']).status === 0
}

/** Start a front end before the server on a port. Its files go into a folder that the caller removes. */
export async function startFrontEnd(
  { name, program, configuration }: FrontEnd,
  backend: number,
  folder: string,
): Promise<RunningApp> {
  const port = await freePort()
  const own = mkdtempSync(join(folder, `${program}-`))
  const file = join(own, 'configuration')
  writeFileSync(file, configuration(port, backend, own))
  const flags = program === 'nginx' ? ['-e', 'stderr', '-c', file] : ['-db', '-f', file]
  return startProgram({ name, command: [program, ...flags], port })
}
