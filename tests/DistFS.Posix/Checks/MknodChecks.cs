namespace DistFS.Posix.Checks;

/// <summary>mknod(2): special files.</summary>
public static class MknodChecks
{
    [Check("mknod(2): each type with its mode; a device's number", Needs = Needs.Root)]
    public static void MakesEachType(CheckContext c)
    {
        foreach (var (name, type, device) in (ReadOnlySpan<(string, int, ulong)>)
            [("reg", S_IFREG, 0), ("fifo", S_IFIFO, 0), ("sock", S_IFSOCK, 0), ("chr", S_IFCHR, 0x103),
                ("blk", S_IFBLK, 0x700)])
        {
            c.Ok(MkNod(c.At(name), type | Octal(640), device), $"mknod {name}");
            var stat = c.LStatOf(c.At(name));
            c.Equal((type, Octal(640), 0L, 1u), (stat.Type, stat.Permissions, stat.Size, stat.Links), name);
            c.Equal(((device >> 8) << 32) | (device & 255), stat.Rdev, name);
        }
    }

    [Check("mknod(2) [EEXIST]")]
    public static void OnAnythingIsEexist(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(SymLink("nowhere", c.At("dangling")));
        foreach (var name in (string[])["file", "dir", "dangling"])
        {
            c.Fails(EEXIST, MkNod(c.At(name), S_IFREG | Octal(644)), name);
            c.Fails(EEXIST, MkFifo(c.At(name), Octal(644)), name);
        }
    }

    [Check("mknod(2) [EPERM]: devices are root's", Needs = Needs.OtherUsers)]
    public static void DevicesOfOthersAreEperm(CheckContext c)
    {
        c.Ok(ChMod(c.Dir, Octal(777)));
        User.Alice.Run(() =>
        {
            c.Fails(EPERM, MkNod(c.At("chr"), S_IFCHR | Octal(644), 0x103));
            c.Fails(EPERM, MkNod(c.At("blk"), S_IFBLK | Octal(644), 0x700));
            c.Ok(MkNod(c.At("fifo"), S_IFIFO | Octal(644)));
            c.Ok(MkNod(c.At("sock"), S_IFSOCK | Octal(644)));
        });
    }

    [Check("mknod(2) [EPERM]: a directory; [EINVAL]: no type there is")]
    public static void DirectoriesAreEperm(CheckContext c)
    {
        c.Fails(EPERM, MkNod(c.At("d"), S_IFDIR | Octal(755)));
        c.Fails(EINVAL, MkNod(c.At("l"), S_IFLNK | Octal(755)));
    }

    [Check("open(2) [ENXIO]: a socket")]
    public static void OpeningASocketIsEnxio(CheckContext c)
    {
        c.Ok(MkNod(c.At("sock"), S_IFSOCK | Octal(644)));
        c.Fails(ENXIO, Sys.Open(c.At("sock"), O_RDONLY));
    }
}
