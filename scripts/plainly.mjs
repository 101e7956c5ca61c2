/** Error when a file or folder cannot be written: one line in place of a stack. */
const REASONS = {
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'there is a file of this name',
};

/** Does the work; ends the process with one line where a file is in the way. `remedy`: what to do about it. */
export function plainly(work, remedy = 'Change the owner or the permissions of this folder.') {
  try {
    return work();
  } catch (error) {
    const reason = REASONS[error.code];
    if (reason === undefined || error.path === undefined) throw error;
    console.error(`${error.dest ?? error.path} cannot be written: ${reason}. ${remedy}`);
    process.exit(1);
  }
}
