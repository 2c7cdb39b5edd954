namespace DistFS.Posix.Checks;

/// <summary>Mode bits against users (POSIX.1-2017, section 4.5 File Access Permissions).</summary>
public static class PermissionChecks
{
    [Check("POSIX 4.5: the first class that fits decides: owner, group, others; all 512 modes",
        Needs = Needs.OtherUsers)]
    public static void TheFirstClassThatFitsDecides(CheckContext c)
    {
        c.Create("f");
        c.Ok(ChOwn(c.At("f"), 70001, 70001));
        foreach (var (user, shift, name) in (ReadOnlySpan<(User, int, string)>)
            [(User.Alice, 6, "owner"), (User.BobInAlicesGroup, 3, "group"), (User.Carol, 0, "other")])
        {
            for (var mode = 0; mode < 512; mode += 1 + (mode % 3))
            {
                c.Ok(ChMod(c.At("f"), mode));
                var bits = (mode >> shift) & 7;
                user.Run(() => Judge(c, bits, $"{name} 0{Convert.ToString(mode, 8)}"));
            }
        }
    }

    [Check("POSIX 4.5: a directory: r lists, x passes, w and x together change", Needs = Needs.OtherUsers)]
    public static void DirectoriesReadWriteSearch(CheckContext c)
    {
        c.Directory("d");
        c.Create("d/f");
        for (var bits = 0; bits < 8; bits++)
        {
            c.Ok(ChMod(c.At("d"), bits));
            var (canList, canChange, canPass) = ((bits & 4) != 0, (bits & 3) == 3, (bits & 1) != 0);
            User.Alice.Run(() =>
            {
                var listed = Sys.Open(c.At("d"), O_RDONLY | O_DIRECTORY);
                c.Ends(canList ? OK : EACCES, listed, $"list 0{bits}");
                c.Ends(canPass ? OK : EACCES, TryStat(c.At("d/f")), $"stat 0{bits}");
                c.Ends(canPass ? OK : EACCES, TryStat(c.At("d/.")), $"pass 0{bits}");
                var missing = canPass ? ENOENT : EACCES;
                c.Ends(missing, TryStat(c.At("d/missing")), $"missing 0{bits}");
                c.Ends(canChange ? OK : EACCES, MkDir(c.At("d/new"), Octal(755)), $"mkdir 0{bits}");
                c.Ends(canChange ? OK : EACCES, SymLink("x", c.At("d/l")), $"symlink 0{bits}");
                Sys.RmDir(c.At("d/new"));
                Unlink(c.At("d/l"));
                Close(listed.Fd);
            });
        }
    }

    [Check("POSIX open: O_CREAT needs write permission in the directory, O_TRUNC on the file",
        Needs = Needs.OtherUsers)]
    public static void CreateAndTruncateNeedWrite(CheckContext c)
    {
        c.Directory("d", Octal(755));
        c.Create("d/f", "content", Octal(644));
        User.Alice.Run(() =>
        {
            c.Fails(EACCES, Sys.Open(c.At("d/x"), O_RDONLY | O_CREAT, Octal(644)));
            c.Fails(EACCES, Sys.Open(c.At("d/f"), O_RDONLY | O_TRUNC));
            c.Ok(Sys.Open(c.At("d/f"), O_RDONLY | O_CREAT, Octal(644)));
            c.Fails(EEXIST, Sys.Open(c.At("d/f"), O_RDONLY | O_CREAT | O_EXCL, Octal(644)));
        });
        c.Equal("content", c.ReadAll(c.At("d/f")));
    }

    [Check("POSIX open: a file made without permissions is open for who made it", Needs = Needs.OtherUsers)]
    public static void AFileMadeWithoutPermissionsIsOpen(CheckContext c)
    {
        c.Ok(ChMod(c.Dir, Octal(777)));
        User.Alice.Run(() =>
        {
            var fd = c.Open(c.At("f"), O_RDWR | O_CREAT | O_EXCL, 0);
            c.Ok(Write(fd, "content"));
            c.Equal("content", c.ReadAll(fd));
            c.Fails(EACCES, Sys.Open(c.At("f"), O_RDONLY));
        });
    }

    [Check("POSIX 4.5: groups of the process that are not its first count as well", Needs = Needs.OtherUsers)]
    public static void SupplementaryGroupsCount(CheckContext c)
    {
        c.Create("f", "content", Octal(640));
        c.Ok(ChOwn(c.At("f"), 0, 70009));
        new User(70002, 70002, [70005, 70006, 70007, 70009]).Run(() => c.Equal("content", c.ReadAll(c.At("f"))));
        new User(70002, 70002, [70005, 70006, 70007]).Run(() => c.Fails(EACCES, Sys.Open(c.At("f"), O_RDONLY)));
    }

    [Check("POSIX 4.5: the root user may read and write anything, and pass", Needs = Needs.Root)]
    public static void RootMayDoAnything(CheckContext c)
    {
        c.Directory("d", 0);
        c.Ok(ChOwn(c.At("d"), 70001, 70001));
        c.Create("d/f", "content", 0);
        c.Ok(ChOwn(c.At("d/f"), 70001, 70001));
        c.Equal("content", c.ReadAll(c.At("d/f")));
        c.Open(c.At("d/f"), O_RDWR);
        c.Ok(Access(c.At("d/f"), R_OK | W_OK));
        c.Fails(EACCES, Access(c.At("d/f"), X_OK), "x only when some class has it");
        c.Equal("f", string.Join(' ', c.Names(c.At("d"))));
    }

    [Check("POSIX 4.5: as an ordinary user the bits hold for the owner too")]
    public static void TheOwnerIsBoundByTheBits(CheckContext c)
    {
        if (GetEUid() == 0)
        {
            c.Ok(ChMod(c.Dir, Octal(777)));
            User.Alice.Run(() => Bound(c));
        }
        else
        {
            Bound(c);
        }
    }

    private static void Bound(CheckContext c)
    {
        c.Create("f", "content", Octal(477));
        c.Fails(EACCES, Sys.Open(c.At("f"), O_WRONLY));
        c.Ok(Access(c.At("f"), R_OK));
        c.Fails(EACCES, Access(c.At("f"), W_OK));
        c.Directory("d", Octal(577));
        c.Fails(EACCES, MkDir(c.At("d/e"), Octal(755)));
    }

    private static void Judge(CheckContext c, int bits, string with)
    {
        foreach (var (flags, needed) in (ReadOnlySpan<(int, int)>)[(O_RDONLY, 4), (O_WRONLY, 2), (O_RDWR, 6)])
        {
            var opened = Sys.Open(c.At("f"), flags);
            c.Ends((bits & needed) == needed ? OK : EACCES, opened, $"{with} 0x{flags:x}");
            if (opened.IsOk)
            {
                Close(opened.Fd);
            }
        }

        for (var wanted = 1; wanted < 8; wanted++)
        {
            c.Ends((bits & wanted) == wanted ? OK : EACCES, Access(c.At("f"), wanted), $"{with} access {wanted}");
        }
    }
}
