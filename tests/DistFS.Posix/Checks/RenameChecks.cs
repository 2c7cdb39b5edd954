namespace DistFS.Posix.Checks;

/// <summary>rename(2) and renameat2(2).</summary>
public static class RenameChecks
{
    private static readonly string[] Kinds = ["file", "dir", "full", "fifo", "link"];

    [Check("POSIX rename: every kind keeps its inode under the new name")]
    public static void EveryKindMoves(CheckContext c)
    {
        foreach (var kind in Kinds)
        {
            Make(c, kind, "a");
            var before = c.LStatOf(c.At("a"));
            c.Ok(Rename(c.At("a"), c.At("b")), $"rename {kind}");
            c.Fails(ENOENT, TryLStat(c.At("a")), kind);
            var after = c.LStatOf(c.At("b"));
            c.Equal((before.Inode, before.Mode, before.Links), (after.Inode, after.Mode, after.Links), kind);
            Clear(c, "b");
        }
    }

    [Check("POSIX rename: what may replace what ([EISDIR], [ENOTDIR], [ENOTEMPTY])")]
    public static void WhatMayReplaceWhat(CheckContext c)
    {
        foreach (var from in Kinds)
        {
            foreach (var to in Kinds)
            {
                Make(c, from, "a");
                Make(c, to, "b");
                var (source, target) = (c.LStatOf(c.At("a")), c.LStatOf(c.At("b")));
                var expected = Replacing(IsDirectory(from), IsDirectory(to), to == "full");
                c.FailsWithOneOf(expected, Rename(c.At("a"), c.At("b")), $"{from} over {to}");
                if (expected is [OK])
                {
                    c.Fails(ENOENT, TryLStat(c.At("a")), $"{from} over {to}");
                    c.Equal(source.Inode, c.LStatOf(c.At("b")).Inode, $"{from} over {to}");
                }
                else
                {
                    c.Equal(source.Inode, c.LStatOf(c.At("a")).Inode, $"{from} over {to}");
                    c.Equal(target.Inode, c.LStatOf(c.At("b")).Inode, $"{from} over {to}");
                }

                Clear(c, "a");
                Clear(c, "b");
            }
        }
    }

    [Check("POSIX rename [ENOENT]: no such source; nothing happens to the target")]
    public static void AMissingSourceIsEnoent(CheckContext c)
    {
        c.Create("f", "content");
        c.Fails(ENOENT, Rename(c.At("x"), c.At("f")));
        c.Fails(ENOENT, Rename(c.At("x"), c.At("y")));
        c.Fails(ENOENT, Rename(c.At("f"), c.At("missing/y")));
        c.Equal("content", c.ReadAll(c.At("f")));
    }

    [Check("POSIX rename [EINVAL]: a directory into itself, at any depth")]
    public static void ADirectoryIntoItselfIsEinval(CheckContext c)
    {
        c.Directory("a");
        c.Directory("a/b");
        c.Directory("a/b/c");
        c.Fails(EINVAL, Rename(c.At("a"), c.At("a/x")));
        c.Fails(EINVAL, Rename(c.At("a"), c.At("a/b/x")));
        c.Fails(EINVAL, Rename(c.At("a"), c.At("a/b/c/x")));
        c.Fails(EINVAL, Rename(c.At("a"), c.At("a/b")));
        c.FailsWithOneOf([ENOTEMPTY, EEXIST], Rename(c.At("a/b/c"), c.At("a")));
        c.FailsWithOneOf([ENOTEMPTY, EEXIST], Rename(c.At("a/b"), c.At("a")));
        c.Ok(TryStat(c.At("a/b/c")));
    }

    [Check("POSIX rename [EBUSY] or [EINVAL]: `.` and `..`")]
    public static void DotsAreRefused(CheckContext c)
    {
        c.Directory("d");
        c.FailsWithOneOf([EBUSY, EINVAL], Rename(c.At("d/."), c.At("e")));
        c.FailsWithOneOf([EBUSY, EINVAL], Rename(c.At("d/.."), c.At("e")));
        c.FailsWithOneOf([EBUSY, EINVAL, ENOTEMPTY, EEXIST], Rename(c.At("d"), c.At(".")));
    }

    [Check("POSIX rename: two names of one file: nothing happens, and it succeeds")]
    public static void TwoNamesOfOneFileStay(CheckContext c)
    {
        c.Create("a");
        c.Ok(Link(c.At("a"), c.At("b")));
        c.Ok(Rename(c.At("a"), c.At("b")));
        c.Equal("a b", string.Join(' ', c.Names(c.Dir)));
        c.Ok(Rename(c.At("a"), c.At("a")));
        c.Equal(2u, c.StatOf(c.At("a")).Links);
    }

    [Check("POSIX rename: the link itself is moved or replaced, not what it leads to")]
    public static void LinksAreNotFollowed(CheckContext c)
    {
        c.Create("f", "content");
        c.Create("g", "other");
        c.Ok(SymLink("f", c.At("s")));
        c.Ok(Rename(c.At("s"), c.At("t")));
        c.Equal("f", ReadLink(c.At("t")));
        c.Ok(Rename(c.At("g"), c.At("t")));
        c.Equal((S_IFREG, "content"), (c.LStatOf(c.At("t")).Type, c.ReadAll(c.At("f"))));
    }

    [Check("POSIX rename: over an open file: its readers keep the old one")]
    public static void ReplacedFilesStayOpen(CheckContext c)
    {
        var old = c.Open(c.Create("target", "old"), O_RDWR);
        c.Create("new", "new");
        c.Ok(Rename(c.At("new"), c.At("target")));
        c.Equal(("old", "new", 0u), (c.ReadAll(old), c.ReadAll(c.At("target")), c.StatOf(old).Links));
        c.Ok(PWrite(old, "OLD", 0));
        c.Equal(("OLD", "new"), (c.ReadAll(old), c.ReadAll(c.At("target"))));
    }

    [Check("POSIX rename: of an open file: descriptors stay")]
    public static void MovedFilesStayOpen(CheckContext c)
    {
        var fd = c.Open(c.Create("a", "1"), O_RDWR | O_APPEND);
        c.Directory("d");
        c.Ok(Rename(c.At("a"), c.At("d/b")));
        c.Ok(Write(fd, "2"));
        c.Equal("12", c.ReadAll(c.At("d/b")));
    }

    [Check("POSIX rename: a directory between parents: `..` and the counts of links follow")]
    public static void AMovedDirectoryHasItsNewParent(CheckContext c)
    {
        c.Directory("p");
        c.Directory("q");
        c.Directory("p/d");
        c.Create("p/d/f", "content");
        var (p, q) = (c.StatOf(c.At("p")).Links, c.StatOf(c.At("q")).Links);
        c.Ok(Rename(c.At("p/d"), c.At("q/e")));
        c.Equal(c.StatOf(c.At("q")).Inode, c.StatOf(c.At("q/e/..")).Inode);
        c.Equal("content", c.ReadAll(c.At("q/e/f")));
        if (p == 3)
        {
            c.Equal((p - 1, q + 1), (c.StatOf(c.At("p")).Links, c.StatOf(c.At("q")).Links));
        }
    }

    [Check("renameat2(2) RENAME_NOREPLACE [EEXIST]")]
    public static void NoReplaceDoesNotReplace(CheckContext c)
    {
        foreach (var kind in Kinds)
        {
            Make(c, kind, "a");
            Make(c, kind, "b");
            var outcome = Rename(c.At("a"), c.At("b"), RENAME_NOREPLACE);
            c.Fails(EEXIST, outcome.Error == EINVAL ? new Outcome(-1, EOPNOTSUPP) : outcome, kind);
            Clear(c, "b");
            c.Ok(Rename(c.At("a"), c.At("b"), RENAME_NOREPLACE));
            Clear(c, "b");
        }

        c.Create("x");
        c.Fails(EEXIST, Rename(c.At("x"), c.At("x"), RENAME_NOREPLACE));
    }

    [Check("renameat2(2) RENAME_EXCHANGE: both names at once, of any kinds")]
    public static void ExchangeSwaps(CheckContext c)
    {
        foreach (var from in Kinds)
        {
            foreach (var to in Kinds)
            {
                Make(c, from, "a");
                Make(c, to, "b");
                var (a, b) = (c.LStatOf(c.At("a")).Inode, c.LStatOf(c.At("b")).Inode);
                c.Ok(Rename(c.At("a"), c.At("b"), RENAME_EXCHANGE), $"exchange {from} and {to}");
                c.Ok(TryLStat(c.At("a")));
                c.Equal((b, a), (c.LStatOf(c.At("a")).Inode, c.LStatOf(c.At("b")).Inode), $"{from} and {to}");
                Clear(c, "a");
                Clear(c, "b");
            }
        }

        c.Create("x");
        c.Fails(ENOENT, Rename(c.At("x"), c.At("y"), RENAME_EXCHANGE));
        c.Fails(ENOENT, Rename(c.At("y"), c.At("x"), RENAME_EXCHANGE));
        c.Directory("p");
        c.Directory("p/q");
        c.Fails(EINVAL, Rename(c.At("p"), c.At("p/q"), RENAME_EXCHANGE));
        c.Fails(EINVAL, Rename(c.At("p/q"), c.At("p"), RENAME_EXCHANGE));
        c.Fails(EINVAL, Rename(c.At("x"), c.At("p"), RENAME_EXCHANGE | RENAME_NOREPLACE));
        c.Fails(EINVAL, Rename(c.At("x"), c.At("p"), 1 << 20), "an unknown flag");
    }

    [Check("POSIX rename [EACCES]: no write permission in either directory", Needs = Needs.OtherUsers)]
    public static void WithoutWritePermissionIsEacces(CheckContext c)
    {
        c.Directory("open", Octal(777));
        c.Directory("closed", Octal(755));
        c.Create("closed/f", "", Octal(666));
        User.Alice.Run(() =>
        {
            c.Create("open/g");
            c.Fails(EACCES, Rename(c.At("closed/f"), c.At("open/f")));
            c.Fails(EACCES, Rename(c.At("open/g"), c.At("closed/g")));
            c.Fails(EACCES, Rename(c.At("open/g"), c.At("closed/f")));
            c.Ok(Rename(c.At("open/g"), c.At("open/h")));
        });
    }

    [Check("rename(2) [EACCES]: a directory of another's whose `..` would change", Needs = Needs.OtherUsers)]
    public static void MovingADirectoryNeedsWritePermissionOnIt(CheckContext c)
    {
        c.Directory("p", Octal(777));
        c.Directory("q", Octal(777));
        c.Directory("p/d", Octal(755));
        User.Alice.Run(() =>
        {
            c.Fails(EACCES, Rename(c.At("p/d"), c.At("q/d")));
            c.Ok(Rename(c.At("p/d"), c.At("p/e")));
        });
    }

    [Check("POSIX rename: marks mtime and ctime of both directories")]
    public static void MarksTimes(CheckContext c)
    {
        c.Directory("p");
        c.Directory("q");
        c.Create("p/f");
        var tick = c.NextTick(c.StatOf(c.At("p")).Mtime);
        c.Ok(Rename(c.At("p/f"), c.At("q/f")));
        c.True(c.StatOf(c.At("p")).Mtime >= tick && c.StatOf(c.At("p")).Ctime >= tick, "from");
        c.True(c.StatOf(c.At("q")).Mtime >= tick && c.StatOf(c.At("q")).Ctime >= tick, "to");
    }

    private static Errno[] Replacing(bool fromDirectory, bool toDirectory, bool isFull) =>
        (fromDirectory, toDirectory) switch
        {
            (true, false) => [ENOTDIR],
            (false, true) => [EISDIR],
            (true, true) when isFull => [ENOTEMPTY, EEXIST],
            _ => [OK],
        };

    private static bool IsDirectory(string kind) => kind is "dir" or "full";

    private static void Make(CheckContext c, string kind, string name)
    {
        switch (kind)
        {
            case "file":
                c.Create(name, kind);
                break;
            case "fifo":
                c.Ok(MkFifo(c.At(name), Octal(644)));
                break;
            case "link":
                c.Ok(SymLink("nowhere", c.At(name)));
                break;
            default:
                c.Directory(name);
                if (kind == "full")
                {
                    c.Create($"{name}/inner");
                }

                break;
        }
    }

    private static void Clear(CheckContext c, string name)
    {
        if (LStat(c.At(name))?.Type == S_IFDIR)
        {
            Unlink(c.At($"{name}/inner"));
            c.Ok(Sys.RmDir(c.At(name)));
        }
        else
        {
            Unlink(c.At(name));
        }
    }
}
