// SPDX-License-Identifier: MIT

import { CALL_MUTANTS, GUARD_MUTANTS } from './policy-mutants.ts';
import type { Threat } from './threats.ts';

/** Known attacks by who sends files (qfile-agent's other end), and by who asks for folders. */
export const COPY_AND_ASKING_THREATS: readonly Threat[] = [
  {
    attack: 'a copied name that leads out, or that a terminal or file manager takes for something else',
    defence: 'one check of names: relative, canonical, UTF-8, no control and no unseen characters',
    tests: ['filecopy/bad-input', 'filecopy/originals-receiver'],
    mutants: ['copy: names are not judged', 'copy: anything may be sent, devices too'],
  },
  {
    attack: 'a link out of the incoming folder; a link, then a file written through it',
    defence: 'targets stay inside the top-level folder; no component of a way is followed',
    tests: ['filecopy/bad-input', 'filecopy/restore-names'],
    mutants: [
      'copy: targets of links are not judged',
      'copy: a link that the sender made is followed',
      'copy: a target that is restored may hide slashes and dots',
    ],
  },
  {
    attack: 'the folder moved away during the transfer (QSB-014)',
    defence: 'the way to each item is opened anew, beneath the incoming folder',
    tests: ['filecopy/bad-input'],
    mutants: ['copy: a folder that was opened once is used for all that follows (QSB-014)'],
  },
  {
    attack: 'truncation at every byte, kill -9, a full disk',
    defence: 'O_TMPFILE, then linkat: a file has no name until it is whole; what was only begun goes',
    tests: ['filecopy/bad-input', 'src/filecopy/filecopy', 'filecopy/full'],
    mutants: [
      'copy: a file has its name before it is whole',
      'copy: what came in part stays',
      'copy: whoever waits for space waits for ever',
    ],
  },
  {
    attack: 'lengths of 2^63, nanoseconds of 10^9, transfers without end',
    defence: 'judged before a byte of data is read; limits of bytes, files and silence',
    tests: ['filecopy/bad-input'],
    mutants: [
      'copy: lengths of 2^53 and more are believed',
      'copy: times beyond a second are taken',
      'copy: more than the limit of bytes is taken',
      'copy: more than the limit of files is taken',
    ],
  },
  {
    attack: 'set-id programs, files of the receiver replaced',
    defence: 'the mode is masked to 0777; nothing is replaced that the receiver has not allowed to be',
    tests: ['filecopy/bad-input', 'filecopy/conflicts'],
    mutants: [
      'copy: set-id bits are kept',
      'copy: what is there is replaced',
      'copy: whatever has the name of a kept beginning is removed',
    ],
  },
  {
    attack: 'a file whose bytes are headers of the stream, sent on by whoever did not hear the greeting',
    defence: 'after a greeting nothing is a header until the number that was in it has come back',
    tests: ['src/filecopy/negotiation'],
    mutants: ['copy: what comes after a greeting is taken for headers, whoever did not hear it'],
  },
  {
    attack: 'a success that is none: not on the disk, or another check sum',
    defence: 'syncfs before the status; the sender believes the sum alone',
    tests: ['src/filecopy/filecopy', 'filecopy/programs'],
    mutants: ['copy: success is told before all is on the disk', 'copy: a wrong check sum is a success'],
  },
  {
    attack: 'a flood of dialogs; a dialog under moving hands',
    defence:
      'one question for each machine and one at a time, a quiet after a refusal; a second in which nothing allows',
    tests: ['broker/authorize', 'src/ui/model/ask/guard'],
    mutants: [
      'asking: many questions of one machine at once',
      'asking: no quiet after a refusal',
      'asking: a key that was down before the window came allows',
    ],
  },
  {
    attack: 'a path that reads as another',
    defence: 'what cannot be told apart is no path; the rest is escaped, and both ends of it are shown',
    tests: ['src/policy/tables', 'src/policy/properties'],
    mutants: [
      'asking: characters that are not shown, and newlines, may be in a path',
      'asking: what looks like a slash may be in a path',
      'asking: a word may mix alphabets',
      'asking: a path is shown as it is',
      'asking: forms of a letter are shown as it is',
      'asking: the end of a long path is not shown',
    ],
  },
  {
    attack: 'a line smuggled into the policy file',
    defence:
      'names by a pattern that ends where the text ends; paths never stand there, only their fingerprints',
    tests: ['src/policy/tables', 'broker/authorize'],
    mutants: ['asking: a name may have something behind it'],
  },
  {
    attack: 'a denial stepped around; a grant that grows',
    defence: 'canonical paths; the deepest rule decides, a denial before an allowance, a block before all',
    tests: ['src/policy/tables', 'src/policy/properties', 'src/policy/wire', 'broker/authorize'],
    mutants: [
      'asking: a path with a part .. is one',
      'asking: a path with two slashes is one',
      'asking: an allowance of the same folder wins over a denial',
      'asking: the rule of the widest folder decides',
      'asking: a block is no more than a denial',
      'asking: what has run out still counts',
      'asking: a disposable may be allowed for good',
      'asking: an answer may give more than was asked for',
      'asking: what was decided while the question was open is stepped over',
      'asking: a decision that cannot be written down is granted',
    ],
  },
  {
    attack: 'the folder swapped after the yes',
    defence: 'the grant is bound to the folder that it was given for',
    tests: ['broker/authorize'],
    mutants: ['asking: another folder in the place of the one that was granted is served'],
  },
  {
    attack: 'a damaged store; kill -9 in the middle of a change',
    defence: 'a check sum; a new file, then a rename; the policy never grants more than the store',
    tests: ['broker/store'],
    mutants: [
      'asking: a list of rules with a wrong check sum is believed',
      'asking: a list of rules that is gone is an empty one',
      'asking: the list of rules is written in place',
      'asking: what is taken away stays in the policy until the list is written',
    ],
  },
  {
    attack:
      'a folder that is denied inside an allowed one, reached another way: moved, linked, put in another place, through `..`',
    defence:
      'known by device and inode, not by its path; what is on the way to it cannot be changed by the client, and leads nowhere once it is another',
    tests: ['src/p9-server/guard', 'broker/denied'],
    mutants: GUARD_MUTANTS.map((m) => m.name),
  },
  {
    attack: 'a call (a file, a program that opens one) that a rule denies, or that no rule is about',
    defence:
      'the first rule that fits decides, as in qrexec; what cannot be read or understood stops every call; a target is a machine that is known, and another',
    tests: ['src/policy/call-rules', 'broker/call-policy'],
    mutants: CALL_MUTANTS.map((m) => m.name),
  },
  {
    attack: 'a call that becomes another by its argument, which the caller chooses',
    defence: 'the name that a service was started under alone says which it is',
    tests: ['broker/service-names'],
    mutants: ['services: the argument of a call chooses the service'],
  },
  {
    attack: 'keys that were meant for another question, or for the shell, taken for the answer',
    defence:
      'what was typed before the question came, and in its first second, is forgotten; a question ends with its time and with its asker',
    tests: ['broker/ask-tty', 'src/ui/model/ask/guard'],
    mutants: [
      'terminal: what was typed before the question came answers it',
      'terminal: a question whose asker has gone takes the next line that is typed',
    ],
  },
  {
    attack: 'requests without end that wash the log out, or that speak against another machine',
    defence:
      'of what one rule decides for one machine the first have their lines, then the powers of ten; who connects is counted, not whose folder it is',
    tests: ['broker/flood-log', 'broker/audit'],
    mutants: [
      'log: it is begun anew as often as it was found too large',
      'log: what a rule decides is told each time',
      'log: connections of one machine are counted as requests of another',
      'asking: a machine may have the name of the lock of all questions',
    ],
  },
  {
    attack: 'a grant that cannot be written down, because the disk is full',
    defence: 'a line that was not written whole is an error, and nothing is granted',
    tests: ['broker/audit', 'broker/authorize'],
    mutants: ['log: half a line on a full disk is written down'],
  },
  {
    attack: 'a machine that is gone after use, whose grant is left to the next one of its name',
    defence: 'no lasting grant for a disposable by any way; one that is there all the same does not stand',
    tests: ['broker/disposables', 'broker/authorize', 'src/policy/wire'],
    mutants: [
      'rules: a disposable is granted for good by command',
      'rules: what was granted for good stands when the machine has become a disposable',
      'rules: who connects without having asked is no disposable',
    ],
  },
  {
    attack: 'a rule that says more than the person meant, or that comes back',
    defence:
      'paths as they are; an edit is put only where the rule is still what was seen; a revoke looks for sessions before and after',
    tests: ['broker/put', 'broker/commands', 'broker/revoke', 'broker/store', 'src/ui/model/manager'],
    mutants: [
      'rules: restoring a list that is whole takes the last change back',
      'rules: what the original program knew comes back when the list is begun anew',
      'rules: two slashes are the folder of all',
      'rules: an edit brings back what was taken away meanwhile',
      'rules: a session that begins during a revoke is not seen',
      'rules: a grant for once is used up before its session is there',
    ],
  },
  {
    attack:
      'a mount that nobody sees and no revoke reaches, because its keeper was not seen from where somebody looked',
    defence: 'a session is as long as its keeper holds the lock on its file',
    tests: ['broker/sessions'],
    mutants: ['sessions: one that is kept elsewhere is taken for over'],
  },
  {
    attack: 'a machine that holds the broker up, or uses it up, with the descriptors that it passes',
    defence:
      'each machine has a process that takes its descriptors, and waits alone; only stream sockets of this machine come further, and none is read or written by a call that could wait, because whoever shares it can take O_NONBLOCK away',
    tests: ['broker/hostile'],
    mutants: [
      'broker: answers are written by a call that the machine can make wait',
      'broker: requests are read by a call that the machine can make wait',
      'broker: the line of a connection is read by a call that the machine can make wait',
      'broker: what a machine passes may be no socket',
      'broker: what a machine has left in a connection is thrown away by the broker itself',
    ],
  },
  {
    attack: 'a mount that goes on when nobody keeps it any more',
    defence:
      'what a broker starts ends with a line from it; a fault in looking at the rules ends the mount, and not the broker',
    tests: ['broker/kept', 'broker/keeper'],
    mutants: [
      'broker: mounts outlive a broker that is killed',
      'broker: mounts go on when the rules cannot be read',
      'broker: a mount has the end that its grant had when it began',
    ],
  },
  {
    attack: 'another user who makes the place where programs look for the broker, and gets the files',
    defence: 'a folder of the user’s own, and at the socket the user or root',
    tests: ['broker/place'],
    mutants: [
      'broker: it is looked for in a folder of anybody’s',
      'broker: anybody may be the broker of a user',
    ],
  },
  {
    attack: 'a question that stays on the screen or the terminal when nobody hears the answer any more',
    defence: 'it ends with its broker, and none is asked after that',
    tests: ['broker/ask'],
    mutants: ['broker: its question stays open when it ends'],
  },
];
