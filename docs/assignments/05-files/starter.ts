import { SimpleHTTPRequestHandler } from 'basehttp'

export class Files extends SimpleHTTPRequestHandler {
  override protocolVersion = 'HTTP/1.1'

  override guessType(path: string): string {
    // Task 1 begins here.
    return super.guessType(path)
  }
}

export default { files: Files }
