// SPDX-License-Identifier: MIT

export interface Mutant {
  readonly name: string;
  /** The file of the build in which the line stands; the bundled server unless said otherwise. */
  readonly file?: string;
  readonly from: RegExp;
  readonly to: string;
  /** The test files of which one must fail. */
  readonly seenBy: readonly string[];
}

export const SERVER_MUTANTS: readonly Mutant[] = [
  {
    name: 'a name may hold a slash',
    from: /if \((\w+) === SLASH \|\| \1 === 0\) return -EINVAL;/,
    to: 'if ($1 === 0) return -EINVAL;',
    seenBy: ['attacks/names'],
  },
  {
    name: 'a name may hold NUL',
    from: /if \((\w+) === SLASH \|\| \1 === 0\) return -EINVAL;/,
    to: 'if ($1 === SLASH) return -EINVAL;',
    seenBy: ['attacks/names'],
  },
  {
    name: '. is a name',
    from: /if \(len === 1\) return -EINVAL;/,
    to: '',
    seenBy: ['attacks/names'],
  },
  {
    name: '.. may be made, removed and renamed',
    from: /return r === NAME_DOTDOT \? -EINVAL : r;/,
    to: 'return r === NAME_DOTDOT ? 0 : r;',
    seenBy: ['attacks/names'],
  },
  {
    name: '.. is the folder above, wherever that is',
    from: /kind === NAME_DOTDOT \? \w+\.pool\.openParent\(dir\) : /,
    to: '',
    seenBy: ['attacks/names'],
  },
  {
    name: 'walks follow symlinks',
    from: /(openParent\(dir\) : \w+\.sys\.openat\(dir, \w+\.nameA, O_PATH \|) O_NOFOLLOW \|/,
    to: '$1',
    seenBy: ['attacks/objects', 'attacks/races'],
  },
  {
    name: 'what is below a symlink may be walked to',
    from: /isDir \? step\(/,
    to: 'true ? step(',
    // The kernel refuses it too (ENOTDIR): taking this one out must show nothing.
    seenBy: [],
  },
  {
    name: 'an existing object that Tlcreate meets is opened through symlinks',
    from: /(const path = \w+\.sys\.openat\(dir, \w+\.nameA, O_PATH \|) O_NOFOLLOW \|/,
    to: '$1',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'fifos, sockets and devices may be opened',
    from: /if \(!isFile\) return -ENXIO;/,
    to: '',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'device nodes may be made',
    // With the capability for it, which a server that may not make them gives up.
    from: /if \(!\w+\.options\.devices\) return -EPERM;|settings\.sandbox === "none" \? keepOwnCapabilities\(settings\.devices\) : 0;/,
    to: '0;',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'links across attaches',
    from: /if \(target\.attach !== dir\.attach\) return -EXDEV;/,
    to: '',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'every attribute is served',
    from: /(function carried\(\w+, name\) \{)/,
    to: '$1 return true;',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'a read-only share may be changed',
    from: /return this\.options\.readOnly \? -EROFS : 0;/,
    to: 'return 0;',
    seenBy: ['attacks/readonly'],
  },
  {
    name: 'a read-only share may be truncated while opening',
    from: /\|\| \(flags & O_TRUNC\) !== 0/,
    to: '',
    seenBy: ['attacks/readonly'],
  },
  {
    name: 'fids without end',
    from: /return this\.fids\.size >= this\.options\.limits\.fids \? -EMFILE : 0;/,
    to: 'return 0;',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a fid in use may be taken again',
    from: /if \(this\.fids\.has\(number\)\) return -EBADF;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'attribute fids without end',
    from: /if \(\w+\.xattrFids >= \w+\.options\.limits\.xattrFids\) return -ENOSPC;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'attributes of any announced size',
    from: /if \(m\.size > XATTR_SIZE_MAX\) return -E2BIG;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'names of any length for who holds a lock',
    from: /if \(m\.name\.len > NAME_MAX\) return -EINVAL;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'pages of the kernel go to whoever says that he started the server',
    file: 'src/cli/serve/starter.js',
    from: /peer\.pid === pid/,
    to: 'true',
    seenBy: ['src/cli/serve/starter'],
  },
  {
    name: 'pages of the kernel go to everybody',
    from: /\w+\.peerIsStarter === true \?/,
    to: 'true ?',
    seenBy: ['src/cli/serve/starter'],
  },
  {
    name: 'what a file loses on its way to the peer is made up with what was there before',
    file: 'src/p9-server/outgoing.js',
    from: /patch\.u8\.fill\(0, got, len\);/,
    to: '',
    seenBy: ['src/p9-server/file-run'],
  },
  {
    name: 'a live tag may be used again',
    from: /if \(this\.live\.with\(tag\) !== void 0\) return this\.error\(tag, EINVAL\);/,
    to: '',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'Rflush does not wait for the reply that it overtakes',
    from: /live\.flushers\.push\(tag\);/,
    to: 'this.flushed(tag);',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'Tversion leaves the fids',
    from: /(const asked = msg\.name\.text\(\);\s+this\.live\.cancelAll\(\);\s+)this\.backend\.reset\(\);/,
    to: '$1',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'left-over bytes in a message do not matter',
    from: /return r\.over \|\| r\.pos !== r\.end \? MALFORMED/,
    to: 'return r.over ? MALFORMED',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a reclaimed object is found again by its name alone',
    from: /if \(this\.identityOf\(fd\) !== saved\.identity && !this\.lasts\(fd, saved\)\)/,
    to: 'if (false)',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'the folder of a request may lose its descriptor to another before the end',
    from: / \|\| node\.message === this\.message\) continue;/,
    to: ') continue;',
    seenBy: ['attacks/reclaim'],
  },
  {
    name: 'qid.path is the inode number alone',
    from: /set\(dev, inoLo, inoHi\) \{/,
    to: 'set(dev, inoLo, inoHi) { this.lo = inoLo; this.hi = inoHi; return;',
    seenBy: ['attacks/mounts'],
  },
  {
    name: 'counts are not cut to msize (CVE-2026-8348)',
    from: /const count = Math\.min\(m\.count, \w+\.msize - RREAD_HEADER\d*\);/,
    to: 'const count = m.count;',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a slow request does not hold the file that it works on (CVE-2018-19364, CVE-2018-19489)',
    from: /(sync\(file, dataOnly, deferred, written\) \{\s+this\.stats\.slow\+\+;\s+)file\.refs\+\+;/,
    to: '$1',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'replies that nobody takes gather without end',
    from: /if \(this\.writer\.pos \+ need > this\.outMax && !this\.makeRoom\(need\)\) return this\.ending !== void 0;/,
    to: 'if (!this.makeRoomNow(need)) return true;',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'everyone acts as the server itself',
    from: /if \(user === this\.current \|\| !this\.privileged\) return 0;/,
    to: 'return 0;',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'flooding: requests that wait for a disk without end',
    from: /if \(this\.live\.full\(this\.limits\.inflight\)\) break;/,
    to: '',
    seenBy: ['attacks/flood'],
  },
];
