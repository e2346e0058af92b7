/** The error numbers of WASI preview 1, by the names that POSIX has for them. */

/** [WASI preview 1, errno] */
export const ERRNO = {
  success: 0,
  badf: 8,
  ilseq: 25,
  inval: 28,
  io: 29,
  nosys: 52,
  notsup: 58,
  spipe: 70,
  notcapable: 76,
} as const

const NUMBERS: Readonly<Record<string, number>> = {
  EACCES: 2,
  EAGAIN: 6,
  EBADF: ERRNO.badf,
  EBUSY: 10,
  EDQUOT: 19,
  EEXIST: 20,
  EFBIG: 22,
  EILSEQ: ERRNO.ilseq,
  EINTR: 27,
  EINVAL: ERRNO.inval,
  EIO: ERRNO.io,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  ENAMETOOLONG: 37,
  ENFILE: 41,
  ENODEV: 43,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSPC: 51,
  ENOTCAPABLE: ERRNO.notcapable,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTSUP: ERRNO.notsup,
  EOVERFLOW: 61,
  EPERM: 63,
  EROFS: 69,
  ESPIPE: ERRNO.spipe,
  ETXTBSY: 74,
  EXDEV: 75,
}

/** What it has no number for is an error of the disk. */
export const errnoOf = (code: string): number => NUMBERS[code] ?? ERRNO.io
