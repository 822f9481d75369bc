/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "unit.h"

#include "policy.h"

/* Who asks. The kernel's word counts, so what the files below say of groups is partly untrue. */
struct person {
	uid_t uid;
	gid_t gid;
	gid_t groups[3];
	int group_count;
};

static const struct person root = { 0, 0, { 0 }, 0 };
static const struct person alice = { 1000, 1000, { 27, 2000 }, 2 };
static const struct person bob = { 1001, 1001, { 0 }, 0 };
static const struct person carol = { 1002, 2000, { 0 }, 0 };   /* science, by her real gid only */
static const struct person dave = { 1004, 1004, { 0 }, 0 };    /* the files put him in science */
static const struct person science = { 1003, 1003, { 0 }, 0 }; /* a user, named as the group */
static const struct person eve = { 3000, 4000, { 5000 }, 1 };  /* in no file */
static const struct person digits = { 4001, 4001, { 0 }, 0 };  /* his name is a number, 4000 */
static const struct person last = { 4294967294, 4294967294, { 0 }, 0 };

static const char passwd[] = "root:x:0:0::/root:/bin/sh\n"
			     "alice:x:1000:1000:A:/home/alice:/bin/sh\n"
			     "alias:x:1000:1000:A:/home/alice:/bin/sh\n"
			     "bob:x:1001:1001:::\n"
			     "carol:x:1002:100:::\n"
			     "science:x:1003:1003:::\n"
			     "dave:x:1004:2000:::\n"
			     "4000:x:4001:4001:::\n"
			     "+::::::\n";
static const char group[] = "root:x:0:\n"
			    "sudo:x:27:bob,dave\n"
			    "science:x:2000:bob,dave\n"
			    "staff:x:50:alice,bob,carol,dave,science\n"
			    "bob:x:1001:\n"
			    "+:::\n";

#define T      "tree /t\n"
#define L      HEX64
#define M      HEXFF
#define HALF_G "536870912"

/* What comes out, in words: the grant as "TREE TMPFS-SIZE RULE", or the errno and the message. */
#define YES(rule) "/t " HALF_G " " rule
#define NO(thing) "EACCES use " thing ": not there, or not permitted"
#define NO_ALPINE NO("image alpine:latest")
#define NO_NAME(at)             \
	"EINVAL understand " at \
	": no such user or group in /etc/passwd or /etc/group: write its number"
#define NO_FEATURE(name) "EACCES use feature " name ": the policy does not grant it"
#define TOO_MUCH(size)	 "EACCES use --tmpfs-size " size ": more than the policy permits"

struct row {
	const char *name;
	const char *texts[3]; /* of the files a, b, c */
	const struct person *who;
	const char *asks; /* the command line; +FEATURE asks for one that has no option yet */
	const char *comes_out;
};

/* The files come last: there may be three. */
#define ROW(what, who, asks, comes_out, ...)                 \
	{                                                    \
		what, { __VA_ARGS__ }, &who, asks, comes_out \
	}

static const struct row rows[] = {
	/* No grant without a rule. */
	ROW("T01 no file", alice, "alpine", NO_ALPINE, NULL),
	ROW("T01 empty file", alice, "alpine", NO_ALPINE, ""),
	ROW("T01 a tree permits nothing", alice, "alpine", NO_ALPINE, T),
	ROW("T01 nor a layer in it", alice, L, NO("layer " L), T),
	ROW("T01 nor explicit layers", alice, "-l " L ":" LINK, NO("layers " L ":" LINK), T),
	ROW("T01 nor with -t", alice, "-t /t " L, NO("layer " L), T),
	ROW("T02 a tree not offered looks the same without a rule", alice, "-t /x " L,
	    NO("layer " L), T),
	ROW("a rule permits", alice, "alpine", YES("a:2"), T "permit * any\n"),
	ROW("no last newline but one line permits nothing", alice, "alpine",
	    "EINVAL understand a:2: the last line is not finished", T "permit * any"),

	/* The last rule that matches decides, alone. */
	ROW("last: deny after permit", alice, "alpine", NO_ALPINE, T "permit * any\ndeny * any\n"),
	ROW("last: permit after deny", alice, "alpine", YES("a:3"), T "deny * any\npermit * any\n"),
	ROW("last: permit, deny, permit", alice, "alpine", YES("a:4"),
	    T "permit * any\ndeny * any\npermit alice any\n"),
	ROW("last: a later rule for others leaves it", alice, "alpine", YES("a:2"),
	    T "permit alice any\ndeny bob any\ndeny * image debian\n"),
	ROW("last: features of an earlier rule do not count", alice, "-w x alpine",
	    NO_FEATURE("writable"), T "permit * any may writable\npermit * any\n"),
	ROW("last: features of the last rule count", alice, "-w x alpine", YES("a:3"),
	    T "permit * any\npermit * any may writable\n"),
	ROW("last: features of a denied rule before do not come back", alice, "-w x alpine",
	    NO_FEATURE("writable"), T "permit * any may writable\ndeny * any\npermit * any\n"),
	ROW("last: a rule that does not match gives no features", alice, "-w x alpine",
	    NO_FEATURE("writable"), T "permit * any\npermit bob any may writable\n"),
	ROW("last: the limit of an earlier rule does not count", alice, "--tmpfs-size 1g alpine",
	    TOO_MUCH("1073741824"), T "permit * any limit tmpfs=2g\npermit * any\n"),
	ROW("last: a small limit of an earlier rule does not count", alice, "alpine", YES("a:3"),
	    T "permit * any limit tmpfs=1k\npermit * any\n"),

	/* WHO. */
	ROW("who: user", alice, "alpine", YES("a:2"), T "permit alice any\n"),
	ROW("who: other user", bob, "alpine", NO_ALPINE, T "permit alice any\n"),
	ROW("who: second name of a uid", alice, "alpine", YES("a:2"), T "permit alias any\n"),
	ROW("who: deny by the second name", alice, "alpine", NO_ALPINE,
	    T "permit * any\ndeny alias any\n"),
	ROW("T03 who: beginning of a name", alice, "alpine", NO_ALPINE, T "permit ali any\n"),
	ROW("T03 who: longer than a name", alice, "alpine", NO_ALPINE, T "permit alicex any\n"),
	ROW("who: name in other case", alice, "alpine", NO_ALPINE, T "permit Alice any\n"),
	ROW("who: uid", eve, "alpine", YES("a:2"), T "permit 3000 any\n"),
	ROW("who: uid with zeros", eve, "alpine", YES("a:2"), T "permit 003000 any\n"),
	ROW("who: other uid", eve, "alpine", NO_ALPINE, T "permit 3001 any\n"),
	ROW("who: a gid is no uid", eve, "alpine", NO_ALPINE, T "permit 4000 any\n"),
	ROW("who: a uid is no gid", eve, "alpine", NO_ALPINE, T "permit :3000 any\n"),
	ROW("who: real gid", eve, "alpine", YES("a:2"), T "permit :4000 any\n"),
	ROW("who: supplementary gid", eve, "alpine", YES("a:2"), T "permit :5000 any\n"),
	ROW("who: second supplementary gid", alice, "alpine", YES("a:2"), T "permit :2000 any\n"),
	ROW("who: deny by supplementary gid", eve, "alpine", NO_ALPINE,
	    T "permit * any\ndeny :5000 any\n"),
	ROW("who: group", alice, "alpine", YES("a:2"), T "permit :science any\n"),
	ROW("who: group by the real gid", carol, "alpine", YES("a:2"), T "permit :science any\n"),
	ROW("who: deny a group by the real gid", carol, "alpine", NO_ALPINE,
	    T "permit * any\ndeny :science any\n"),
	ROW("who: a user named as a group is not in it", science, "alpine", NO_ALPINE,
	    T "permit :science any\n"),
	ROW("who: a group named as a user is not he", alice, "alpine", NO_ALPINE,
	    T "permit science any\n"),
	ROW("who: the user named as a group", science, "alpine", YES("a:2"),
	    T "permit science any\n"),
	ROW("who: deny the user named as a group leaves the group", alice, "alpine", YES("a:2"),
	    T "permit * any\ndeny science any\n"),
	ROW("who: /etc/group alone makes no member", bob, "alpine", NO_ALPINE,
	    T "permit :science any\n"),
	ROW("who: /etc/passwd alone makes no member", dave, "alpine", NO_ALPINE,
	    T "permit :science any\n"),
	ROW("who: membership in a file only denies nothing", bob, "alpine", YES("a:2"),
	    T "permit * any\ndeny :staff any\n"),
	ROW("who: a number is a uid before it is a name", digits, "alpine", YES("a:2"),
	    T "permit 4001 any\npermit * image x\n"),
	ROW("who: a name of digits is a uid", digits, "alpine", NO_ALPINE, T "permit 4000 any\n"),
	ROW("who: highest uid", last, "alpine", YES("a:2"), T "permit 4294967294 any\n"),
	ROW("who: highest gid", last, "alpine", YES("a:2"), T "permit :4294967294 any\n"),
	ROW("who: -1 is nobody", last, "alpine", NO_ALPINE, T "permit 4294967295 any\n"),
	ROW("who: 2^32 is not 0 and nobody", alice, "alpine", NO_ALPINE,
	    T "permit 4294967296 any\n"),
	ROW("who: 2^32 + uid is not he", alice, "alpine", NO_ALPINE, T "permit 4294968296 any\n"),
	ROW("who: 2^32 + gid is not his", alice, "alpine", NO_ALPINE, T "permit :4294968296 any\n"),
	ROW("who: deny 2^32 + uid is an error", alice, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny 4294968296 any\n"),
	ROW("who: deny -1 is an error", alice, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny :4294967295 any\n"),
	ROW("who: junk behind a number", alice, "alpine", NO_ALPINE, T "permit 1000x any\n"),
	ROW("who: sign before a number", alice, "alpine", NO_ALPINE, T "permit +1000 any\n"),
	ROW("who: hexadecimal", alice, "alpine", NO_ALPINE, T "permit 0x3e8 any\n"),
	ROW("who: two colons", alice, "alpine", NO_ALPINE, T "permit ::2000 any\n"),
	ROW("who: star among groups", alice, "alpine", NO_ALPINE, T "permit :* any\n"),
	ROW("who: a NIS line names nobody", alice, "alpine", NO_ALPINE, T "permit + any\n"),
	ROW("who: deny a NIS line is an error", alice, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny + any\n"),

	/* A name that is not in the files. */
	ROW("unknown: permit user", alice, "alpine", NO_ALPINE, T "permit nosuch any\n"),
	ROW("unknown: permit group", alice, "alpine", NO_ALPINE, T "permit :nosuch any\n"),
	ROW("unknown: permit leaves the rule before", alice, "alpine", YES("a:2"),
	    T "permit * any\npermit nosuch any may bind\n"),
	ROW("unknown: deny user", alice, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny nosuch any\n"),
	ROW("unknown: deny group", alice, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny :nosuch any\n"),
	ROW("unknown: deny a user that is a group", eve, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny staff any\n"),
	ROW("unknown: deny a group that is a user", eve, "alpine", NO_NAME("a:3"),
	    T "permit * any\ndeny :carol any\n"),
	ROW("unknown: deny for others is no error", eve, "alpine", YES("a:2"),
	    T "permit * any\ndeny carol any\ndeny :staff any\n"),
	ROW("unknown: deny before any permit does not matter", alice, "alpine", YES("a:3"),
	    T "deny nosuch any\npermit * any\n"),
	ROW("unknown: deny of another image does not matter", alice, "alpine", YES("a:2"),
	    T "permit * any\ndeny nosuch image debian\n"),
	ROW("unknown: deny of a layer that a link could be", alice, LINK, NO_NAME("a:3"),
	    T "permit * any\ndeny nosuch layer " M "\n"),
	ROW("unknown: deny after a denial does not matter", alice, "alpine", NO_ALPINE,
	    T "permit * any\ndeny * any\ndeny nosuch any\n"),

	/* Images. */
	ROW("T03 image: no tag is latest", alice, "alpine:latest", YES("a:2"),
	    T "permit * image alpine\n"),
	ROW("T03 image: latest is no tag", alice, "alpine", YES("a:2"),
	    T "permit * image alpine:latest\n"),
	ROW("T03 image: no tag is no other tag", alice, "alpine:3", NO("image alpine:3"),
	    T "permit * image alpine\n"),
	ROW("T03 image: whole tag", alice, "python:3.1", NO("image python:3.1"),
	    T "permit * image python:3.12\n"),
	ROW("T03 image: tag", alice, "python:3.12", YES("a:2"), T "permit * image python:3.12\n"),
	ROW("T03 image: python:* is every tag", alice, "python:3", YES("a:2"),
	    T "permit * image python:*\n"),
	ROW("T03 image: python:* is not python-private", alice, "python-private:1",
	    NO("image python-private:1"), T "permit * image python:*\n"),
	ROW("T03 image: python* is python-private", alice, "python-private:1", YES("a:2"),
	    T "permit * image python*\n"),
	ROW("T03 image: python* is nothing below python", alice, "python/x",
	    NO("image python/x:latest"), T "permit * image python*\n"),
	ROW("T03 image: * has no slash", alice, "org/alpine", NO("image org/alpine:latest"),
	    T "permit * image *\n"),
	ROW("T03 image: * is one component", alice, "alpine:3", YES("a:2"), T "permit * image *\n"),
	ROW("T03 image: org/*", alice, "ghcr.io/org/x:1", YES("a:2"),
	    T "permit * image ghcr.io/org/*\n"),
	ROW("T03 image: org/* is not organs/", alice, "ghcr.io/organs/x",
	    NO("image ghcr.io/organs/x:latest"), T "permit * image ghcr.io/org/*\n"),
	ROW("T03 image: org/* is not deeper", alice, "ghcr.io/org/a/b",
	    NO("image ghcr.io/org/a/b:latest"), T "permit * image ghcr.io/org/*\n"),
	ROW("T03 image: the end of a name is not the name", alice, "library/alpine",
	    NO("image library/alpine:latest"), T "permit * image alpine\n"),
	ROW("T03 image: a port is no tag, permit", alice, "localhost:5000/x", YES("a:2"),
	    T "permit * image localhost:5000/x\n"),
	ROW("T03 image: a port is no tag, deny", alice, "localhost:5000/x:latest",
	    NO("image localhost:5000/x:latest"), T "permit * any\ndeny * image localhost:5000/x\n"),
	ROW("image: deny one tag", alice, "alpine:3", NO("image alpine:3"),
	    T "permit * image *\ndeny * image alpine:3\n"),
	ROW("image: deny one tag leaves the others", alice, "alpine", YES("a:2"),
	    T "permit * image *\ndeny * image alpine:3\n"),
	ROW("image: permits no layer", alice, L, NO("layer " L), T "permit * image *\n"),
	ROW("image: permits no explicit layers", alice, "-l alpine", NO("layers alpine"),
	    T "permit * image *\n"),
	ROW("image: denies no layer", alice, L, YES("a:2"), T "permit * any\ndeny * image *\n"),

	/* Layers. */
	ROW("layer: permit", alice, L, YES("a:2"), T "permit * layer " L "\n"),
	ROW("layer: permit -init", alice, L "-init", YES("a:2"), T "permit * layer " L "-init\n"),
	ROW("layer: permit BuildKit's", alice, BK25, YES("a:2"), T "permit * layer " BK25 "\n"),
	ROW("T03 layer: -init is another", alice, L "-init", NO("layer " L "-init"),
	    T "permit * layer " L "\n"),
	ROW("T03 layer: without -init is another", alice, L, NO("layer " L),
	    T "permit * layer " L "-init\n"),
	ROW("layer: permit is not another", alice, M, NO("layer " M), T "permit * layer " L "\n"),
	ROW("layer: permit is not a link", alice, LINK, NO("layer " LINK),
	    T "permit * layer " L "\n"),
	ROW("layer: permit is not -l of it", alice, "-l " L, NO("layers " L),
	    T "permit * layer " L "\n"),
	ROW("layer: permit is not -l on top", alice, "-l " L ":" M, NO("layers " L ":" M),
	    T "permit * layer " L "\n"),
	ROW("layer: permit is not an image", alice, "alpine", NO_ALPINE,
	    T "permit * layer " L "\n"),
	ROW("layer: deny", alice, L, NO("layer " L), T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny leaves others", alice, M, YES("a:2"),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("T03 layer: deny leaves -init", alice, L "-init", YES("a:2"),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny leaves images", alice, "alpine", YES("a:2"),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny leaves an image named like it", alice, L ":latest", YES("a:2"),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny is every link", alice, LINK, NO("layer " LINK),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny is -l of it", alice, "-l " L, NO("layers " L),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny is -l first", alice, "-l " L ":" M, NO("layers " L ":" M),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny is -l last", alice, "-l " M ":" BK25 ":" L, NO("layers " M ":" BK25 ":" L),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny is -l with a link", alice, "-l " M ":" LINK, NO("layers " M ":" LINK),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny leaves -l of others", alice, "-l " M ":" BK25 ":" L "-init", YES("a:2"),
	    T "permit * any\ndeny * layer " L "\n"),
	ROW("layer: deny of others leaves links to them", alice, "-l " LINK, YES("a:2"),
	    T "permit * any\ndeny bob layer " L "\n"),
	ROW("layer: permit after any denies nothing", alice, LINK, YES("a:2"),
	    T "permit * any\npermit * layer " L " may bind\n"),
	ROW("any: an image", alice, "org/alpine:3", YES("a:2"), T "permit * any\n"),
	ROW("any: a layer", alice, L, YES("a:2"), T "permit * any\n"),
	ROW("any: a link", alice, LINK, YES("a:2"), T "permit * any\n"),
	ROW("any: explicit layers", alice, "-l " L ":" LINK, YES("a:2"), T "permit * any\n"),
	ROW("any: deny an image", alice, "alpine", NO_ALPINE, T "permit * image *\ndeny * any\n"),
	ROW("any: deny a layer", alice, L, NO("layer " L), T "permit * layer " L "\ndeny * any\n"),

	/* Trees. */
	ROW("tree: the first is the default", alice, L, YES("a:3"), T "tree /u\npermit * any\n"),
	ROW("tree: one behind the rule is one", alice, L, YES("a:1"), "permit * any\n" T),
	ROW("tree: -t another", alice, "-t /t " L, YES("a:3"), "tree /s\n" T "permit * any\n"),
	ROW("tree: -t of a later file", alice, "-t /t " L, YES("a:2"), "tree /s\npermit * any\n",
	    T),
	ROW("tree: default of a later file", alice, L, YES("a:1"), "permit * any\n", T),
	ROW("tree: none", alice, L, " " HALF_G " a:1", "permit * any\n"),
	ROW("tree: none and -t", alice, "-t /t " L, NO("tree /t"), "permit * any\n"),
	ROW("T03 tree: longer", alice, "-t /s2 " L, NO("tree /s2"), "tree /s\npermit * any\n"),
	ROW("T03 tree: shorter", alice, "-t / " L, NO("tree /"), "tree /s\npermit * any\n"),
	ROW("T03 tree: a slash more", alice, "-t /s/ " L, NO("tree /s/"),
	    "tree /s\npermit * any\n"),
	ROW("T03 tree: two slashes", alice, "-t //s " L, NO("tree //s"), "tree /s\npermit * any\n"),
	ROW("T03 tree: below", alice, "-t /s/x " L, NO("tree /s/x"), "tree /s\npermit * any\n"),
	ROW("T03 tree: around", alice, "-t /s/../s " L, NO("tree /s/../s"),
	    "tree /s\npermit * any\n"),
	ROW("T03 tree: relative", alice, "-t s " L, NO("tree s"), "tree /s\npermit * any\n"),
	ROW("T03 tree: empty", alice, "--tree= " L, NO("tree "), "tree /s\npermit * any\n"),
	ROW("tree: not offered by its rule's neighbour", alice, "-t /u " L, NO("tree /u"),
	    T "permit * any\npermit bob any\n"),

	/* Features. */
	ROW("feature: all", alice, "+bind +userns +unshare +dev +keep-fd -w x alpine", YES("a:2"),
	    T "permit * any may writable,bind,userns,unshare,dev,keep-fd\n"),
	ROW("feature: several may", alice, "+bind +dev alpine", YES("a:2"),
	    T "permit * any may bind may dev\n"),
	ROW("feature: none granted", alice, "-w x alpine", NO_FEATURE("writable"),
	    T "permit * any\n"),
	ROW("feature: bind", alice, "+bind alpine", NO_FEATURE("bind"),
	    T "permit * any may writable,userns,unshare,dev,keep-fd\n"),
	ROW("feature: userns", alice, "+userns alpine", NO_FEATURE("userns"),
	    T "permit * any may writable,bind,unshare,dev,keep-fd\n"),
	ROW("feature: unshare", alice, "+unshare alpine", NO_FEATURE("unshare"),
	    T "permit * any may writable,bind,userns,dev,keep-fd\n"),
	ROW("feature: dev", alice, "+dev alpine", NO_FEATURE("dev"),
	    T "permit * any may writable,bind,userns,unshare,keep-fd\n"),
	ROW("feature: keep-fd", alice, "+keep-fd alpine", NO_FEATURE("keep-fd"),
	    T "permit * any may writable,bind,userns,unshare,dev\n"),
	ROW("feature: one of two is missing", alice, "+bind +dev alpine", NO_FEATURE("dev"),
	    T "permit * any may bind\n"),
	ROW("feature: refused alike where nothing is permitted", alice, "-w x alpine", NO_ALPINE,
	    T),

	/* The ephemeral upper. */
	ROW("limit: given and asked for less", alice, "--tmpfs-size 1k alpine", "/t 1024 a:2",
	    T "permit * any limit tmpfs=1g\n"),
	ROW("limit: exactly", alice, "--tmpfs-size 1024m alpine", "/t 1073741824 a:2",
	    T "permit * any limit tmpfs=1g\n"),
	ROW("limit: one byte more", alice, "--tmpfs-size 1073741825 alpine", TOO_MUCH("1073741825"),
	    T "permit * any limit tmpfs=1g\n"),
	ROW("limit: a high one leaves the default", alice, "alpine", YES("a:2"),
	    T "permit * any limit tmpfs=1g\n"),
	ROW("limit: a low one is the default", alice, "alpine", "/t 65536 a:2",
	    T "permit * any limit tmpfs=64k\n"),
	ROW("limit: none given, exactly 512m", alice, "--tmpfs-size 512m alpine", YES("a:2"),
	    T "permit * any\n"),
	ROW("limit: none given, one byte more", alice, "--tmpfs-size 536870913 alpine",
	    TOO_MUCH("536870913"), T "permit * any\n"),
	ROW("limit: before may", alice, "-w x alpine", "/t 65536 a:2",
	    T "permit * any limit tmpfs=64k may writable\n"),

	/* Root. */
	ROW("root: no policy", root, "alpine", " " HALF_G " root", NULL),
	ROW("root: no policy, a tree", root, "-t /x " L, "/x " HALF_G " root", NULL),
	ROW("root: default tree", root, L, YES("root"), T "tree /u\n"),
	ROW("root: a tree not offered", root, "-t /u " L, "/u " HALF_G " root", T),
	ROW("root: is not denied", root, L, YES("root"),
	    T "deny * any\ndeny root any\ndeny 0 any\n"),
	ROW("root: no rule counts, no limit", root, L, YES("root"),
	    T "permit root any limit tmpfs=1k\n"),
	ROW("root: any size", root, "--tmpfs-size 1048576g alpine", "/t 1125899906842624 root", T),
	ROW("root: every feature", root, "+bind +userns +unshare +dev +keep-fd -w x alpine",
	    YES("root"), T),
	ROW("root: an unknown name is not looked up", root, L, YES("root"),
	    T "permit * any\ndeny nosuch any\n"),
	ROW("root: a wrong policy gives no tree", root, L,
	    "wrong: EINVAL understand a:2: a user, :group or * is missing;  " HALF_G " root",
	    T "permit\n"),
	ROW("root: nor one behind what is wrong", root, L,
	    "wrong: EINVAL understand a:1: unknown word;  " HALF_G " root", "x\n" T),
	ROW("root: a wrong policy and a tree", root, "-t /u " L,
	    "wrong: EINVAL understand b:1: unknown word; /u " HALF_G " root", T, "x\n"),

	/* Several files. */
	ROW("files: a rule of the second", alice, "alpine", YES("b:1"), T, "permit * any\n"),
	ROW("files: the second denies", alice, "alpine", NO_ALPINE, T "permit * any\n",
	    "deny * any\n"),
	ROW("files: the third permits", alice, "alpine", YES("c:3"), T "permit * any\n",
	    "deny * any\n", "\n\npermit * any\n"),
	ROW("files: an empty one between", alice, "alpine", YES("a:2"), T "permit * any\n", "",
	    "# nothing\n"),
	ROW("files: one wrong refuses all", alice, "alpine", "EINVAL understand b:2: unknown word",
	    T "permit * any\n", "\nx\n"),
	ROW("files: wrong for others too", alice, "alpine", "EINVAL understand b:1: unknown word",
	    T "permit * any\n", "deny bob any any\n"),
	ROW("files: lines do not run on into the next", alice, "alpine",
	    "EINVAL understand a:2: the last line is not finished", T "permit * ", "any\n"),
	ROW("files: unknown name in the second", alice, "alpine", NO_NAME("b:1"),
	    T "permit * any\n", "deny nosuch any\n"),

	/* Words and comments. */
	ROW("words: tabs and blanks", alice, "alpine", YES("a:2"),
	    "\t tree\t /t \t\n \tpermit  *\tany \n"),
	ROW("words: comments", alice, "alpine", YES("a:4"),
	    "# c\n" T "#permit bob any\npermit * any # may bind\n  # deny * any\n"),
	ROW("words: a comment may hold anything", alice, "alpine", YES("a:3"),
	    T "# \xff `\x01 deny\npermit * any #\n"),
	ROW("words: a comment is no feature", alice, "-w x alpine", NO_FEATURE("writable"),
	    T "permit * any may bind #,writable\n"),
	ROW("words: # within a tree's path", alice, "-t /t#1 " L, "/t#1 " HALF_G " a:2",
	    "tree /t#1\npermit * any\n"),
	ROW("words: # within a name", alice, "alpine", NO_ALPINE, T "permit alice#x any\n"),
	ROW("words: keywords as names", alice, "alpine", YES("a:2"),
	    T "permit * any\ndeny any image may\n"),
};

/* Account files are asked for only where a name has to be looked up: here there are none. */
static const struct row rows_without_accounts[] = {
	ROW("accounts: permit name", alice, "alpine", "EAGAIN", T "permit alice any\n"),
	ROW("accounts: permit group", alice, "alpine", "EAGAIN", T "permit :science any\n"),
	ROW("accounts: deny name", alice, "alpine", "EAGAIN", T "permit * any\ndeny alice any\n"),
	ROW("accounts: a name after the rule that would decide", alice, "alpine", "EAGAIN",
	    T "permit * any\npermit bob any\n"),
	ROW("accounts: a number too large is a name", alice, "alpine", "EAGAIN",
	    T "permit 4294967295 any\n"),
	ROW("accounts: numbers and * need none", alice, "alpine", YES("a:4"),
	    T "permit * any\npermit 1000 any\npermit :27 any\ndeny :5 any\ndeny 7 any\n"),
	/* Or whoever sees the files being read would learn what the rules are about. */
	ROW("accounts: asked for whatever image the name is permitted", alice, "alpine", "EAGAIN",
	    T "permit bob image debian\npermit * any\ndeny carol layer " L "\n"),
	ROW("accounts: asked for a denial of what nothing permits", alice, "alpine", "EAGAIN",
	    T "deny bob any\npermit * any\n"),
	ROW("accounts: root needs none", root, "alpine", YES("root"),
	    T "deny nosuch any\npermit alice any\n"),
};

static struct policy policy;
static struct accounts accounts;
static struct ovl_error err;

/* The files, each of exactly its bytes: a read past them is seen. */
static void load(const char *const *texts, size_t count)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

	memset(&policy, 0, sizeof(policy));
	for (size_t i = 0; i < count && texts[i]; i++) {
		struct policy_text *text = &policy.texts[policy.count++];

		text->file = names[i];
		text->len = strlen(texts[i]);
		text->text = unit_copy(texts[i], text->len);
	}
}

static int unload(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < policy.count; i++)
		free((char *)policy.texts[i].text);
	policy.count = 0;
	return 0;
}

static struct caller caller_of(const struct person *who)
{
	return (struct caller){ .uid = who->uid,
				.gid = who->gid,
				.groups = who->groups,
				.group_count = who->group_count };
}

static void collect(const struct caller *caller)
{
	assert_int_equal(accounts_collect(&accounts, (struct word){ passwd, sizeof(passwd) - 1 },
					  (struct word){ group, sizeof(group) - 1 }, caller, &err),
			 0);
}

static unsigned int feature_of(const char *name)
{
	unsigned int feature = 1;

	while (strcmp(rule_feature_name((enum feature)feature), name) != 0)
		feature <<= 1;
	return feature;
}

/* A request as the command line has it; words are separated by single blanks. */
static struct request request_of(const char *asks)
{
	static char line[1024];
	char *argv[16] = { "ovlrun" };
	unsigned int features = 0;
	struct request request;
	int argc = 1;

	snprintf(line, sizeof(line), "%s", asks);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		if (word[0] == '+')
			features |= feature_of(word + 1);
		else
			argv[argc++] = word;
	}
	assert_int_equal(args_parse(argc, argv, &request, &err), 0);
	request.features |= features;
	return request;
}

static const char *errno_name(int errnum)
{
	return errnum == EACCES ? "EACCES" : errnum == EINVAL ? "EINVAL" : "another";
}

/* In the words of the table. */
static const char *outcome(int ret, const struct grant *grant)
{
	static char text[1024];
	int len = 0;

	if (ret == -EAGAIN)
		return "EAGAIN";
	if (ret != 0)
		len = snprintf(text, sizeof(text), "%s%s %s %s: %s", ret == 1 ? "wrong: " : "",
			       errno_name(ret == 1 ? err.errnum : -ret), err.verb, err.object,
			       err.reason);
	if (ret < 0) {
		assert_int_equal(err.errnum, -ret);
		return text;
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%s %llu %s", ret ? "; " : "",
			grant->tree, (unsigned long long)grant->tmpfs_size,
			grant->file ? grant->file : "root");
	if (grant->file)
		snprintf(text + len, sizeof(text) - (size_t)len, ":%u", grant->line);
	return text;
}

static void decide_row(const struct row *row, bool with_accounts)
{
	struct caller caller = caller_of(row->who);
	struct request request = request_of(row->asks);
	struct grant grant;
	int ret;

	load(row->texts, COUNT_OF(row->texts));
	collect(&caller);
	memset(&grant, '#', sizeof(grant));
	memset(&err, 0, sizeof(err));
	ret = policy_decide(&policy, with_accounts ? &accounts : NULL, &caller, &request, &grant,
			    &err);
	assert_string_equal(outcome(ret, &grant), row->comes_out);
}

static void decide(void **state)
{
	decide_row(*state, true);
}

static void decide_without_accounts(void **state)
{
	decide_row(*state, false);
}

#define NO_WHO	 "a user, :group or * is missing"
#define NO_WHAT	 "`any`, `image NAME` or `layer ID` is missing"
#define NO_TREE	 "`tree` takes one absolute path"
#define NO_LIMIT "`limit` takes tmpfs=SIZE"
#define NO_END	 "the last line is not finished"

static const struct {
	const char *text, *object, *reason;
} bad[] = {
	{ "x\n", "a:1", "unknown word" },
	{ "\n\n\nx\n", "a:4", "unknown word" },
	{ "# c\n \t \nTREE /t\n", "a:3", "unknown word" },
	{ "trees /t\n", "a:1", "unknown word" },
	{ "tre /t\n", "a:1", "unknown word" },
	{ "Permit * any\n", "a:1", "unknown word" },
	{ "allow * any\n", "a:1", "unknown word" },
	{ "permit#\n", "a:1", "unknown word" },
	{ "\xef\xbb\xbfpermit * any\n", "a:1", "unknown word" },
	{ "\r\n", "a:1", "unknown word" },
	{ "\v\n", "a:1", "unknown word" },
	{ "tree\n", "a:1", NO_TREE },
	{ "tree # /t\n", "a:1", NO_TREE },
	{ "tree t\n", "a:1", NO_TREE },
	{ "tree ./t\n", "a:1", NO_TREE },
	{ "tree /t /u\n", "a:1", NO_TREE },
	{ "tree /t x\n", "a:1", NO_TREE },
	{ "permit\n", "a:1", NO_WHO },
	{ "deny\n", "a:1", NO_WHO },
	{ "permit : any\n", "a:1", NO_WHO },
	{ "permit # * any\n", "a:1", NO_WHO },
	{ "permit *\n", "a:1", NO_WHAT },
	{ "permit * #any\n", "a:1", NO_WHAT },
	{ "permit * any#\n", "a:1", NO_WHAT },
	{ "permit * all\n", "a:1", NO_WHAT },
	{ "permit any\n", "a:1", NO_WHAT },
	{ "permit * alpine\n", "a:1", NO_WHAT },
	{ "permit * images *\n", "a:1", NO_WHAT },
	{ "permit * an\n", "a:1", NO_WHAT },
	{ "permit * any\r\n", "a:1", NO_WHAT },
	{ "permit alice bob any\n", "a:1", NO_WHAT },
	{ "permit * image\n", "a:1", "not the name of an image" },
	{ "permit * image #\n", "a:1", "not the name of an image" },
	{ "permit * image a*b\n", "a:1", "not the name of an image" },
	{ "permit * image */b\n", "a:1", "not the name of an image" },
	{ "permit * image ../x\n", "a:1", "not the name of an image" },
	{ "permit * image Alpine\n", "a:1", "not the name of an image" },
	{ "permit * image alpine:\n", "a:1", "not the name of an image" },
	{ "deny * image alpine,debian\n", "a:1", "not the name of an image" },
	{ "permit * layer\n", "a:1", "not a cache-id" },
	{ "permit * layer *\n", "a:1", "not a cache-id" },
	{ "permit * layer " LINK "\n", "a:1", "not a cache-id" },
	{ "deny * layer " L ":" M "\n", "a:1", "not a cache-id" },
	{ "deny * layer " L "0\n", "a:1", "not a cache-id" },
	{ "deny * layer " L "#\n", "a:1", "not a cache-id" },
	{ "permit * any any\n", "a:1", "unknown word" },
	{ "permit * image a b\n", "a:1", "unknown word" },
	{ "permit * layer " L " " M "\n", "a:1", "unknown word" },
	{ "permit * any bind\n", "a:1", "unknown word" },
	{ "permit * any May bind\n", "a:1", "unknown word" },
	{ "permit * any may\n", "a:1", "`may` names no feature" },
	{ "permit * any may #bind\n", "a:1", "`may` names no feature" },
	{ "permit * any may all\n", "a:1", "unknown feature" },
	{ "permit * any may Bind\n", "a:1", "unknown feature" },
	{ "permit * any may bin\n", "a:1", "unknown feature" },
	{ "permit * any may bind,\n", "a:1", "unknown feature" },
	{ "permit * any may ,bind\n", "a:1", "unknown feature" },
	{ "permit * any may ,\n", "a:1", "unknown feature" },
	{ "permit * any may bind,,dev\n", "a:1", "unknown feature" },
	{ "permit * any may limit tmpfs=1m\n", "a:1", "unknown feature" },
	{ "permit * any may bind, dev\n", "a:1", "unknown feature" },
	{ "permit * any may bind dev\n", "a:1", "unknown word" },
	{ "permit * any limit\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=\n", "a:1", NO_LIMIT },
	{ "permit * any limit =1m\n", "a:1", NO_LIMIT },
	{ "permit * any limit 1m\n", "a:1", NO_LIMIT },
	{ "permit * any limit ram=1m\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=0\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=1t\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=1m=1m\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=1m,\n", "a:1", NO_LIMIT },
	{ "permit * any limit tmpfs=18446744073709551617\n", "a:1", NO_LIMIT },
	{ "deny * any may bind\n", "a:1", "unknown word" },
	{ "deny * any limit tmpfs=1m\n", "a:1", "unknown word" },
	{ "deny * image a b\n", "a:1", "unknown word" },
	{ "tree /t", "a:1", NO_END },
	{ "tree /t\n ", "a:2", NO_END },
	{ "tree /t\n# c", "a:2", NO_END },
	{ "tree /t\ndeny * an", "a:2", NO_END },
};

/* What is not understood is an error for everybody but root, and names file and line. */
static void T10_bad_lines(void **state)
{
	struct caller caller = caller_of(&bob);
	struct request request = request_of("alpine");
	struct grant grant;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const char *texts[] = { bad[i].text };

		load(texts, 1);
		if (policy_decide(&policy, NULL, &caller, &request, &grant, &err) != -EINVAL)
			fail_msg("taken: '%s'", bad[i].text);
		assert_string_equal(err.verb, "understand");
		assert_string_equal(err.object, bad[i].object);
		if (strcmp(err.reason, bad[i].reason) != 0)
			fail_msg("'%s': %s", bad[i].text, err.reason);
		unload(NULL);
	}
}

static void T10_nul(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *object;
	} nul[] = {
#define NUL(s, at) { s, sizeof(s) - 1, at }
		NUL("tree /t\0\n", "a:1"),
		NUL("\0\n", "a:1"),
		NUL("tree /t\n#\0\n", "a:2"),
		NUL("tree /t\npermit * any\0deny * any\n", "a:2"),
		NUL("permit * any limit tmpfs=1\0\n", "a:1"),
#undef NUL
	};
	struct caller caller = caller_of(&bob);
	struct request request = request_of("alpine");
	struct grant grant;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(nul); i++) {
		policy.count = 1;
		policy.texts[0] =
			(struct policy_text){ "a", unit_copy(nul[i].text, nul[i].len), nul[i].len };
		assert_int_equal(policy_decide(&policy, &accounts, &caller, &request, &grant, &err),
				 -EINVAL);
		assert_string_equal(err.object, nul[i].object);
		assert_string_equal(err.reason, "it holds a NUL byte");
		unload(NULL);
	}
}

/* The longest path of a tree fits the grant whole; a longer one is refused, as root's -t too. */
static void tree_length(void **state)
{
	static char text[2048], path[2048];
	const char *texts[] = { text };
	struct caller caller = caller_of(&alice), super = caller_of(&root);
	struct request request = request_of(L);
	struct grant grant;

	(void)state;
	for (int len = RULE_TREE_MAX; len <= RULE_TREE_MAX + 1; len++) {
		memset(path, 'p', sizeof(path));
		path[0] = '/';
		path[len] = '\0';
		snprintf(text, sizeof(text), "tree %.*s\npermit * any\n", len, path);
		load(texts, 1);
		request.tree = NULL;
		if (len == RULE_TREE_MAX) {
			assert_int_equal(
				policy_decide(&policy, NULL, &caller, &request, &grant, &err), 0);
			assert_string_equal(grant.tree, path);
		} else {
			assert_int_equal(policy_decide(&policy, NULL, &caller, &request, &grant,
						       &err),
					 -EINVAL);
			assert_string_equal(err.object, "a:1");
			assert_string_equal(err.reason, "the path is too long");
		}
		unload(NULL);
		request.tree = path;
		assert_int_equal(policy_decide(&policy, NULL, &super, &request, &grant, &err),
				 len == RULE_TREE_MAX ? 0 : -ENAMETOOLONG);
	}
}

static void T02_hints(void **state)
{
	const char *texts[] = { T };
	struct caller caller = caller_of(&alice);
	struct request request = request_of("alpine");
	struct grant grant;

	(void)state;
	load(texts, 1);
	assert_int_equal(policy_decide(&policy, NULL, &caller, &request, &grant, &err), -EACCES);
	assert_string_equal(err.hint,
			    "ask the administrator for a `permit` rule in /etc/ovlrun.conf");
}

struct reports {
	unsigned int count;
	char text[2048];
};

static void note(const struct ovl_error *wrong, void *data)
{
	struct reports *reports = data;
	size_t len = strlen(reports->text);

	assert_int_equal(wrong->errnum, EINVAL);
	assert_string_equal(wrong->verb, "understand");
	reports->count++;
	snprintf(reports->text + len, sizeof(reports->text) - len, "%s: %s\n", wrong->object,
		 wrong->reason);
}

static void check(const char *const *texts, size_t count, struct reports *reports)
{
	unsigned int wrong;

	*reports = (struct reports){ 0 };
	load(texts, count);
	wrong = policy_check(&policy, &accounts, note, reports);
	assert_int_equal(wrong, reports->count);
	unload(NULL);
}

static void check_good(void **state)
{
	const char *const texts[] = { T "# c\n\npermit * any\ndeny alice any\npermit :science any\n"
					"deny 77 any\npermit :99 any\ndeny science any\n",
				      "", "deny :bob image *\n" };
	struct caller nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct reports reports;

	(void)state;
	collect(&nobody);
	check(texts, 3, &reports);
	assert_string_equal(reports.text, "");
}

/* Every wrong line is told once, whatever it is, in every file; names are looked up. */
static void check_all(void **state)
{
	const char *const texts[] = { "x\n" T "permit * any may bind may no,nor\n"
				      "permit nosuch any\n\ndeny :nosuch layer " L "\n"
				      "permit alice any\npermit :alice any\ndeny staff any\n",
				      "tree\ntree /t\npermit 4294967295 any\n", "deny * any" };
	struct caller nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	struct reports reports;

	(void)state;
	collect(&nobody);
	check(texts, 3, &reports);
#define NAME ": no such user or group in /etc/passwd or /etc/group: write its number\n"
	assert_string_equal(reports.text,
			    "a:1: unknown word\n"
			    "a:3: unknown feature\n"
			    "a:4" NAME "a:6" NAME "a:8" NAME "a:9" NAME "b:1: " NO_TREE "\n"
			    "b:3" NAME "c:1: " NO_END "\n");
	assert_int_equal(reports.count, 9);
}

/* Each bad line of the table above is found by policy_check too, once. */
static void check_bad_lines(void **state)
{
	char wanted[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const char *const texts[] = { bad[i].text };
		struct reports reports;

		check(texts, 1, &reports);
		snprintf(wanted, sizeof(wanted), "%s: %s\n", bad[i].object, bad[i].reason);
		assert_string_equal(reports.text, wanted);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test_teardown(T10_bad_lines, unload),
		cmocka_unit_test_teardown(T10_nul, unload),
		cmocka_unit_test_teardown(tree_length, unload),
		cmocka_unit_test_teardown(T02_hints, unload),
		cmocka_unit_test_teardown(check_good, unload),
		cmocka_unit_test_teardown(check_all, unload),
		cmocka_unit_test_teardown(check_bad_lines, unload),
	};
	static struct CMUnitTest
		tests[COUNT_OF(rows) + COUNT_OF(rows_without_accounts) + COUNT_OF(others)];
	struct CMUnitTest *test = tests;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		*test++ =
			(struct CMUnitTest){ rows[i].name, decide, NULL, unload, (void *)&rows[i] };
	for (size_t i = 0; i < COUNT_OF(rows_without_accounts); i++)
		*test++ =
			(struct CMUnitTest){ rows_without_accounts[i].name, decide_without_accounts,
					     NULL, unload, (void *)&rows_without_accounts[i] };
	memcpy(test, others, sizeof(others));
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
