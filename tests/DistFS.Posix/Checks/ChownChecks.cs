namespace DistFS.Posix.Checks;

/// <summary>chown(2), lchown(2) and fchown(2).</summary>
public static class ChownChecks
{
    [Check("POSIX chown: user and group of each kind, either or both; ids up to 2^32 - 2", Needs = Needs.Root)]
    public static void EachKindTakesAnOwner(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(SymLink("nowhere", c.At("link")));
        foreach (var name in (string[])["file", "dir", "fifo", "link"])
        {
            foreach (var (uid, gid) in (ReadOnlySpan<(uint, uint)>)
                [(1, 2), (70001, 70002), (uint.MaxValue - 1, uint.MaxValue - 1)])
            {
                c.Ok(LChOwn(c.At(name), uid, gid));
                c.Equal((uid, gid), Owner(c, name), name);
            }

            c.Ok(LChOwn(c.At(name), 5, Same));
            c.Equal((5u, uint.MaxValue - 1), Owner(c, name), name);
            c.Ok(LChOwn(c.At(name), Same, 6));
            c.Equal((5u, 6u), Owner(c, name), name);
            c.Ok(LChOwn(c.At(name), Same, Same));
            c.Equal((5u, 6u), Owner(c, name), name);
        }
    }

    [Check("POSIX chown: follows symbolic links, lchown does not", Needs = Needs.Root)]
    public static void LinksAreFollowedOrNot(CheckContext c)
    {
        c.Create("f");
        c.Ok(SymLink("f", c.At("l")));
        c.Ok(ChOwn(c.At("l"), 1, 2));
        c.Equal(((1u, 2u), (0u, 0u)), (Owner(c, "f"), Owner(c, "l")));
        c.Ok(LChOwn(c.At("l"), 3, 4));
        c.Equal(((1u, 2u), (3u, 4u)), (Owner(c, "f"), Owner(c, "l")));
        c.Ok(SymLink("nowhere", c.At("dangling")));
        c.Fails(ENOENT, ChOwn(c.At("dangling"), 1, 1));
    }

    [Check("POSIX fchown: by descriptor, also without a name; [EBADF]", Needs = Needs.Root)]
    public static void DescriptorsTakeAnOwner(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDONLY);
        c.Ok(FChOwn(fd, 1, 2));
        c.Equal((1u, 2u), Owner(c, "f"));
        c.Ok(Unlink(c.At("f")));
        c.Ok(FChOwn(fd, 3, 4));
        c.Equal((3u, 4u), (c.StatOf(fd).Uid, c.StatOf(fd).Gid));
        c.Fails(EBADF, FChOwn(9999, 1, 1));
    }

    [Check("POSIX chown [EPERM]: giving away is root's (_POSIX_CHOWN_RESTRICTED)", Needs = Needs.OtherUsers)]
    public static void GivingAwayIsEperm(CheckContext c)
    {
        c.Create("f");
        c.Ok(ChOwn(c.At("f"), 70001, 70001));
        User.Alice.Run(() =>
        {
            c.Fails(EPERM, ChOwn(c.At("f"), 70002, Same));
            c.Fails(EPERM, ChOwn(c.At("f"), 0, 0));
            c.Fails(EPERM, ChOwn(c.At("f"), Same, 70002), "a group that she is not in");
            c.Ok(ChOwn(c.At("f"), 70001, 70001));
            c.Ok(ChOwn(c.At("f"), Same, Same));
        });
        User.Bob.Run(() => c.Fails(EPERM, ChOwn(c.At("f"), 70002, 70002), "taking"));
        User.Bob.Run(() => c.Fails(EPERM, ChOwn(c.At("f"), Same, 70002), "taking the group"));
    }

    [Check("POSIX chown: the owner may choose among their groups", Needs = Needs.OtherUsers)]
    public static void TheOwnerChoosesAmongTheirGroups(CheckContext c)
    {
        c.Create("f");
        c.Ok(ChOwn(c.At("f"), 70002, 70002));
        User.BobInAlicesGroup.Run(() =>
        {
            c.Ok(ChOwn(c.At("f"), Same, 70001));
            c.Equal((70002u, 70001u), Owner(c, "f"));
            c.Fails(EPERM, ChOwn(c.At("f"), Same, 70003));
        });
    }

    [Check("chown(2): set-user-ID and set-group-ID vanish from an executable file", Needs = Needs.OtherUsers)]
    public static void SetIdBitsVanish(CheckContext c)
    {
        c.Create("f");
        c.Ok(ChOwn(c.At("f"), 70002, 70002));
        c.Ok(ChMod(c.At("f"), Octal(6755)));
        User.BobInAlicesGroup.Run(() => c.Ok(ChOwn(c.At("f"), Same, 70001)));
        c.Equal(Octal(755), c.StatOf(c.At("f")).Permissions);
        c.Ok(ChMod(c.At("f"), Octal(6755)));
        c.Ok(ChOwn(c.At("f"), 0, 0));
        c.Equal(Octal(755), c.StatOf(c.At("f")).Permissions, "by root");
        c.Directory("d");
        c.Ok(ChMod(c.At("d"), Octal(2755)));
        c.Ok(ChOwn(c.At("d"), 1, 1));
        c.Equal(Octal(2755), c.StatOf(c.At("d")).Permissions, "not of a directory");
    }

    [Check("POSIX chown: marks ctime only", Needs = Needs.Root)]
    public static void MarksCtime(CheckContext c)
    {
        var before = c.StatOf(c.Create("f"));
        var tick = c.NextTick(before.Ctime);
        c.Ok(ChOwn(c.At("f"), 1, 1));
        var after = c.StatOf(c.At("f"));
        c.True(after.Ctime >= tick, "ctime");
        c.Equal((before.Mtime, before.Atime), (after.Mtime, after.Atime));
    }

    [Check("POSIX chown [EPERM]: an ordinary user to root; to themselves it is granted")]
    public static void AnOrdinaryUserGivesNothingAway(CheckContext c)
    {
        c.Ok(ChMod(c.Dir, Octal(777)));
        if (GetEUid() == 0)
        {
            User.Alice.Run(() => GiveToRoot(c));
        }
        else
        {
            GiveToRoot(c);
        }
    }

    private static void GiveToRoot(CheckContext c)
    {
        c.Create("f");
        c.Fails(EPERM, ChOwn(c.At("f"), 0, Same));
        var own = c.StatOf(c.At("f"));
        c.Ok(ChOwn(c.At("f"), own.Uid, own.Gid));
    }

    private static (uint Uid, uint Gid) Owner(CheckContext c, string name) =>
        (c.LStatOf(c.At(name)).Uid, c.LStatOf(c.At(name)).Gid);
}
