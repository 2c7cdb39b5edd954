namespace DistFS.Posix.Checks;

/// <summary>
/// What lets a program run as somebody else goes when somebody changes the file: set-ID bits (POSIX, write and
/// ftruncate) and capabilities (capabilities(7)).
/// </summary>
public static class PrivilegeChecks
{
    private const string Capability = "security.capability";

    /// <summary>Version 2, cap_net_raw, effective and permitted.</summary>
    private static readonly byte[] NetRaw = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private static readonly (string Name, Action<CheckContext, string> Change)[] Changes =
    [
        ("write", static (c, path) => c.Ok(Write(c.Open(path, O_WRONLY), "x"))),
        ("write, the second time", static (c, path) =>
        {
            var fd = c.Open(path, O_WRONLY);
            c.Ok(Write(fd, "x"));
            c.Ok(Write(fd, "x"));
        }),
        ("pwrite", static (c, path) => c.Ok(PWrite(c.Open(path, O_RDWR), "x", 2))),
        ("append", static (c, path) => c.Ok(Write(c.Open(path, O_WRONLY | O_APPEND), "x"))),
        ("truncate", static (c, path) => c.Ok(Sys.Truncate(path, 3))),
        ("ftruncate", static (c, path) => c.Ok(FTruncate(c.Open(path, O_WRONLY), 10_000))),
        ("O_TRUNC", static (c, path) => c.Close(c.Open(path, O_WRONLY | O_TRUNC))),
        ("a hole", static (c, path) =>
            c.Optional(FAllocate(c.Open(path, O_WRONLY), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4))),
    ];

    [Check("POSIX write, ftruncate; inode(7): set-ID bits vanish when another than root changes a file",
        Needs = Needs.OtherUsers)]
    public static void SetIdBitsVanish(CheckContext c)
    {
        foreach (var (name, change) in Changes)
        {
            var path = c.Create("f", "content");
            foreach (var (before, after) in (ReadOnlySpan<(int, int)>)[(6777, 777), (4666, 666), (2777, 777)])
            {
                c.Ok(ChMod(path, Octal(before)));
                User.Alice.Run(() => change(c, path));
                c.Equal(Octal(after), c.StatOf(path).Permissions, $"{name}, {before}");
            }

            // A group that may not execute it (mandatory locking, once), and whoever is in it.
            c.Ok(ChOwn(path, 70002, 70001));
            c.Ok(ChMod(path, Octal(2766)));
            User.BobInAlicesGroup.Run(() => change(c, path));
            c.Equal(Octal(2766), c.StatOf(path).Permissions, $"{name}, 2766");
            c.Ok(ChMod(path, Octal(6777)));
            change(c, path);
            c.Equal(Octal(6777), c.StatOf(path).Permissions, $"{name}, by root");
            c.Ok(Unlink(path));
        }
    }

    [Check("capabilities(7): a file that is changed has none any more, by whomever", Needs = Needs.OtherUsers)]
    public static void CapabilitiesVanish(CheckContext c)
    {
        foreach (var (name, change) in Changes)
        {
            var path = c.Create("f", "content");
            c.Ok(ChMod(path, Octal(666)));
            foreach (var isRoot in (bool[])[true, false])
            {
                c.Optional(SetXAttr(path, Capability, NetRaw));
                if (isRoot)
                {
                    change(c, path);
                }
                else
                {
                    User.Alice.Run(() => change(c, path));
                }

                c.Fails(ENODATA, GetXAttr(path, Capability, new byte[32]), $"{name}, by root: {isRoot}");
            }

            c.Ok(Unlink(path));
        }
    }

    [Check("capabilities(7): and those that another mount gave it between two writes", Needs = Needs.SecondMount)]
    public static void CapabilitiesOfAnotherMountVanish(CheckContext c)
    {
        var fd = c.Open(c.Create("f", "content"), O_WRONLY);
        c.Ok(SetXAttr(c.At("f"), "user.other", "stays"u8));
        for (var i = 0; i < 5; i++)
        {
            c.Ok(Write(fd, "x"));
            c.Optional(SetXAttr(c.Second("f"), Capability, NetRaw));
            c.Ok(Write(fd, "x"));
            c.Fails(ENODATA, GetXAttr(c.Second("f"), Capability, new byte[32]), $"write {i}");
        }

        c.Equal(5L, c.Ok(GetXAttr(c.At("f"), "user.other", new byte[8])));
    }
}
