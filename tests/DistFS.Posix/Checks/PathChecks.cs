namespace DistFS.Posix.Checks;

/// <summary>
/// The errors that every call which takes a path shares (POSIX.1-2017, section 4.13 Pathname Resolution).
/// </summary>
public static class PathChecks
{
    /// <summary>Calls that follow a path to what must exist, and calls that make a name at its end.</summary>
    private static readonly (string Name, Func<CheckContext, string, Outcome> Call)[] Calls =
    [
        ("open", (_, p) => Sys.Open(p, O_RDONLY)),
        ("open O_CREAT", (_, p) => Sys.Open(p, O_WRONLY | O_CREAT, Octal(644))),
        ("mkdir", (_, p) => MkDir(p, Octal(755))),
        ("mkfifo", (_, p) => MkFifo(p, Octal(644))),
        ("mknod", (_, p) => MkNod(p, S_IFREG | Octal(644))),
        ("rmdir", (_, p) => Sys.RmDir(p)),
        ("unlink", (_, p) => Unlink(p)),
        ("rename from", (c, p) => Rename(p, c.At("other"))),
        ("rename to", (c, p) => Rename(c.At("file"), p)),
        ("link from", (c, p) => Link(p, c.At("other"))),
        ("link to", (c, p) => Link(c.At("file"), p)),
        ("symlink", (_, p) => SymLink("target", p)),
        ("readlink", (_, p) => ReadLink(p, new byte[8])),
        ("chmod", (_, p) => ChMod(p, Octal(644))),
        ("chown", (_, p) => ChOwn(p, Same, Same)),
        ("lchown", (_, p) => LChOwn(p, Same, Same)),
        ("truncate", (_, p) => Sys.Truncate(p, 0)),
        ("utimensat", (_, p) => Touch(p)),
        ("stat", (_, p) => TryStat(p)),
        ("lstat", (_, p) => TryLStat(p)),
        ("access", (_, p) => Access(p, F_OK)),
        ("statvfs", (_, p) => Sys.StatVfs(p, out StatVfs ignored)),
        ("setxattr", (_, p) => SetXAttr(p, "user.a", "b"u8)),
        ("getxattr", (_, p) => GetXAttr(p, "user.a", new byte[8])),
        ("listxattr", (_, p) => ListXAttr(p, new byte[8])),
    ];

    [Check("POSIX 4.13 [ENOTDIR]: a component of the path prefix is not a directory")]
    public static void AFileOnTheWayIsEnotdir(CheckContext c) => ForAll(c, ENOTDIR, "file/x");

    [Check("POSIX 4.13 [ENOTDIR]: nor is a FIFO one")]
    public static void AFifoOnTheWayIsEnotdir(CheckContext c)
    {
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        ForAll(c, ENOTDIR, "fifo/x");
    }

    [Check("POSIX 4.13 [ENOENT]: a component of the path prefix does not exist")]
    public static void AMissingComponentIsEnoent(CheckContext c) => ForAll(c, ENOENT, "missing/x");

    [Check("POSIX 4.13 [ENOENT]: a symbolic link on the way leads nowhere")]
    public static void ADanglingLinkOnTheWayIsEnoent(CheckContext c)
    {
        c.Ok(SymLink("nowhere", c.At("dangling")));
        ForAll(c, ENOENT, "dangling/x");
    }

    [Check("POSIX 4.13 [ELOOP]: more symbolic links than may be followed")]
    public static void ALoopOnTheWayIsEloop(CheckContext c)
    {
        c.Ok(SymLink("loop2", c.At("loop1")));
        c.Ok(SymLink("loop1", c.At("loop2")));
        ForAll(c, ELOOP, "loop1/x");
    }

    [Check("POSIX 4.13 [ENAMETOOLONG]: a component longer than NAME_MAX")]
    public static void ANameOf256BytesIsEnametoolong(CheckContext c) =>
        ForAll(c, ENAMETOOLONG, new string('n', NAME_MAX + 1));

    [Check("POSIX 4.13 [ENAMETOOLONG]: a component of the prefix longer than NAME_MAX")]
    public static void APrefixNameOf256BytesIsEnametoolong(CheckContext c) =>
        ForAll(c, ENAMETOOLONG, new string('n', NAME_MAX + 1) + "/x");

    [Check("POSIX limits.h PATH_MAX [ENAMETOOLONG]")]
    public static void APathOf4096BytesIsEnametoolong(CheckContext c)
    {
        var rest = PATH_MAX - c.Dir.Length - 1;
        ForAll(c, ENAMETOOLONG, string.Concat(Enumerable.Repeat("./", PATH_MAX))[..rest]);
    }

    [Check("POSIX 4.13 [ENOENT]: the empty path")]
    public static void TheEmptyPathIsEnoent(CheckContext c)
    {
        c.Create("file");
        foreach (var (name, call) in Calls)
        {
            c.Ends(ENOENT, call(c, ""), name);
        }
    }

    [Check("POSIX 4.13 [EACCES]: no search permission in the path prefix", Needs = Needs.OtherUsers)]
    public static void AClosedDirectoryOnTheWayIsEacces(CheckContext c)
    {
        c.Ok(ChMod(c.Dir, Octal(777)));
        c.Directory("closed", Octal(700));
        c.Create("closed/x");
        User.Alice.Run(() =>
        {
            c.Create("file");
            ForAll(c, EACCES, "closed/x", create: false);
        });
    }

    [Check("POSIX 4.13: `.` and `..`, and slashes in a row")]
    public static void DotsAndSlashesLeadWhereTheyShould(CheckContext c)
    {
        c.Directory("d");
        c.Create("d/f", "content");
        foreach (var path in (string[])["d/f", "./d/f", "d/./f", "d//f", "d/../d/f", ".//d///.//f",
            "d/../../" + Last(c)])
        {
            c.Equal("content", c.ReadAll(c.At(path.EndsWith('/') ? path + "d/f" : path)), path);
        }
    }

    [Check("POSIX 4.13: a trailing slash demands a directory")]
    public static void ATrailingSlashDemandsADirectory(CheckContext c)
    {
        c.Create("f");
        c.Directory("d");
        c.Ok(SymLink("d", c.At("to-d")));
        c.Ok(SymLink("f", c.At("to-f")));
        c.Fails(ENOTDIR, TryStat(c.At("f/")));
        c.Fails(ENOTDIR, TryStat(c.At("to-f/")));
        c.Fails(ENOTDIR, Sys.Open(c.At("f/"), O_RDONLY));
        c.Fails(ENOTDIR, Unlink(c.At("f/")));
        c.Fails(ENOTDIR, Rename(c.At("f/"), c.At("g")));
        c.Fails(ENOTDIR, Rename(c.At("f"), c.At("g/")));
        c.Fails(EISDIR, Sys.Open(c.At("new/"), O_WRONLY | O_CREAT, Octal(644)));
        c.Fails(ENOENT, Link(c.At("f"), c.At("new/")));
        c.Fails(ENOENT, SymLink("f", c.At("new/")));
        c.Equal(S_IFDIR, c.LStatOf(c.At("to-d/")).Type);
        c.Ok(MkDir(c.At("e/"), Octal(755)));
        c.Ok(Rename(c.At("e/"), c.At("e2/")));
        c.Ok(Sys.RmDir(c.At("e2/")));
    }

    private static string Last(CheckContext c) => c.Dir[(c.Dir.LastIndexOf('/') + 1)..] + "/";

    private static void ForAll(CheckContext c, Errno expected, string path, bool create = true)
    {
        if (create)
        {
            c.Create("file");
        }

        foreach (var (name, call) in Calls)
        {
            c.Ends(expected, call(c, c.At(path)), name);
        }

        c.True(LStat(c.At("file")) is not null, "nothing was moved");
        c.True(LStat(c.At("other")) is null, "nothing was made");
    }
}
