// SPDX-License-Identifier: MIT

/**
 * What people do in a shared folder, as root and as a user, in the mount point $1: copying trees in, archives, searching, editing in place, links,
 * owners and modes, attributes, special files, removing. Says what it sees at each step; nothing in that depends on time or on the machine.
 */
export const WORK = String.raw`
set -eu
cd "$1"
say() { echo "== $*"; }
list() { find . -mindepth 1 -printf '%p %y %m %U %G %n %l\n' | LC_ALL=C sort; find . -type f -exec sha256sum {} + | LC_ALL=C sort -k2; }
umask 022
say tree; mkdir -p src/a/b/c docs
i=0; while [ $i -lt 12 ]; do i=$((i+1)); echo "file $i" >src/a/f$i; echo "text $i" >src/a/b/c/g$i; done
head -c 300000 /dev/zero | tr '\0' 'x' >docs/big
ln -s ../docs/big src/to-big; ln -s nowhere src/dangling; ln docs/big docs/hard
list
say archive; tar -cf all.tar src docs; mkdir out; tar -xf all.tar -C out; diff -r --no-dereference src out/src; cmp docs/big out/docs/big; rm all.tar
say copy; cp -a src copy; diff -r --no-dereference src copy
say search; grep -rl 'text 1' src | LC_ALL=C sort; find . -name 'g3*' | LC_ALL=C sort
say edit; sed -i 's/file/FILE/' src/a/f1 src/a/f2; cat src/a/f1 src/a/f2; echo more >>docs/big; truncate -s 5 docs/hard; cat docs/big; echo
say rename; mv src/a/b src/moved; mv -f src/a/f3 src/a/f4; cat src/a/f4; mv copy/a/f5 "copy/a/a name with spaces"
say modes; chmod 4750 src/a/f6; chmod -R g+w copy; chown 1000:1001 src/a/f7; chown -h 1000:1000 src/dangling; stat -c '%n %a %u %g' src/a/f6 src/a/f7 src/dangling
say times; touch -d '2001-02-03 04:05:06 UTC' src/a/f8; stat -c '%Y' src/a/f8
say attributes; setfattr -n user.colour -v green src/a/f9; getfattr --only-values -n user.colour src/a/f9; echo; getfattr src/a/f9; setfattr -x user.colour src/a/f9; getfattr src/a/f9
say special; mkfifo pipe; mknod null c 1 3; stat -c '%n %F' pipe null; (echo through >pipe &) ; cat pipe; echo x >null
say user; mkdir -m 777 shared; cd shared
setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'umask 027; mkdir mine; echo own >mine/file; ln -s file mine/link; cat mine/link; mkfifo mine/p; mknod mine/dev c 1 3 2>/dev/null || echo no device; rm mine/p; chmod 600 mine/file; chown 0 mine/file 2>/dev/null || echo not given away'
setpriv --reuid 1001 --regid 1001 --clear-groups sh -c 'cat mine/file 2>/dev/null || echo not to be read; rm -f mine/file 2>/dev/null || echo not to be removed'
cd ..
say open; exec 3<>docs/kept; echo kept >&3; rm docs/kept; cat /dev/null; exec 3>&-
say parallel; for n in 1 2 3 4; do (i=0; while [ $i -lt 4 ]; do i=$((i+1)); mkdir -p par/$n/$i; echo $n >par/$n/$i/x; done) & done; wait; find par -type f | wc -l
list
say remove; rm -r copy out par; rmdir shared/none 2>/dev/null || echo nothing there; rmdir src 2>/dev/null || echo not empty
list
say done
`;
