/** @module */
export function makeKit(folder: string | undefined): number {
  console.error('not yet', folder)
  return 2
}
