namespace DistFS.Posix.Checks;

/// <summary>
/// One directory through two mounts: what the one did, the other sees at once, as two processes on one machine would.
/// </summary>
public static class TwoMountChecks
{
    private const string Source =
        "POSIX read: a read that can be proved to follow a write returns its data, in any process";

    [Check(Source + ": at once, after fsync and after close, in both directions", Needs = Needs.SecondMount)]
    public static void WritesAreSeenAtOnce(CheckContext c)
    {
        var first = c.Open(c.Create("f"), O_RDWR);
        var second = c.Open(c.Second("f"), O_RDWR);
        for (var i = 0; i < 200; i++)
        {
            var (writer, reader) = i % 2 == 0 ? (first, second) : (second, first);
            var text = $"{i:D6}";
            c.Ok(PWrite(writer, text, i * 1000L));
            if (i % 3 == 0)
            {
                c.Ok(FSync(writer));
            }

            var buffer = new byte[6];
            c.Equal(6L, c.Ok(PRead(reader, buffer, i * 1000L)), $"write {i}");
            c.Same(Bytes(text), buffer, $"write {i}");
            c.Equal((i * 1000L) + 6, c.StatOf(reader).Size, $"write {i}");
        }

        c.Close(first);
        c.Equal(c.ReadAll(second), c.ReadAll(c.At("f")));
    }

    [Check(Source + ": overwriting what the other has just read", Needs = Needs.SecondMount)]
    public static void CachedDataIsRecalled(CheckContext c)
    {
        var first = c.Open(c.Create("f", new string('a', 500_000)), O_RDWR);
        var second = c.Open(c.Second("f"), O_RDWR);
        for (var i = 0; i < 20; i++)
        {
            var letter = (char)('b' + i);
            var (writer, reader) = i % 2 == 0 ? (first, second) : (second, first);
            c.ReadAll(reader);
            c.Ok(PWrite(writer, new string(letter, 500_000), 0));
            c.Equal(new string(letter, 500_000), c.ReadAll(reader), $"round {i}");
        }
    }

    [Check(Source + ": size by truncate, growth and append", Needs = Needs.SecondMount)]
    public static void SizesAreSeen(CheckContext c)
    {
        c.Create("f", "0123456789");
        var second = c.Open(c.Second("f"), O_RDWR | O_APPEND);
        c.Equal(("0123456789", 10L), (c.ReadAll(second), c.StatOf(c.Second("f")).Size));
        c.Ok(Sys.Truncate(c.At("f"), 4));
        c.Equal((4L, 4L, "0123"), (c.StatOf(c.Second("f")).Size, c.StatOf(second).Size, c.ReadAll(second)));
        c.Ok(Write(second, "x"));
        c.Equal((5L, "0123x"), (c.StatOf(c.At("f")).Size, c.ReadAll(c.At("f"))));
        c.Ok(Sys.Truncate(c.Second("f"), 8));
        c.Equal("0123x\0\0\0", c.ReadAll(c.At("f")));
    }

    [Check("POSIX: names that come, go and move are seen at once, also ones just looked up in vain",
        Needs = Needs.SecondMount)]
    public static void NamesAreSeen(CheckContext c)
    {
        for (var i = 0; i < 50; i++)
        {
            c.Fails(ENOENT, TryStat(c.Second("f")));
            c.Create("f", $"{i}");
            c.Equal($"{i}", c.ReadAll(c.Second("f")));
            c.Ok(Rename(c.Second("f"), c.Second("g")));
            c.Fails(ENOENT, TryStat(c.At("f")));
            c.Equal($"{i}", c.ReadAll(c.At("g")));
            c.Ok(Unlink(c.At("g")));
            c.Fails(ENOENT, Sys.Open(c.Second("g"), O_RDONLY));
            c.Ok(MkDir(c.Second("d"), Octal(755)));
            c.Fails(EEXIST, MkDir(c.At("d"), Octal(755)));
            c.Create("d/x");
            c.Fails(ENOTEMPTY, Sys.RmDir(c.Second("d")));
            c.Ok(Unlink(c.Second("d/x")));
            c.Ok(Sys.RmDir(c.At("d")));
            c.Fails(ENOENT, TryStat(c.Second("d")));
        }
    }

    [Check("POSIX readdir: both list the same, after each change", Needs = Needs.SecondMount)]
    public static void ListingsAgree(CheckContext c)
    {
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < 60; i++)
        {
            if (i % 3 == 2)
            {
                c.Ok(Unlink(i % 2 == 0 ? c.At(expected.Min!) : c.Second(expected.Min!)));
                expected.Remove(expected.Min!);
            }
            else
            {
                var path = i % 2 == 0 ? c.At($"f{i:D2}") : c.Second($"f{i:D2}");
                c.Close(c.Open(path, O_WRONLY | O_CREAT | O_EXCL, Octal(644)));
                expected.Add($"f{i:D2}");
            }

            c.True(c.Names(c.Dir).SequenceEqual(expected), $"first, {i}");
            c.True(c.Names(c.Second(".")).SequenceEqual(expected), $"second, {i}");
        }
    }

    [Check("POSIX stat: modes, owners, times and links are seen at once; inodes are the same",
        Needs = Needs.SecondMount)]
    public static void AttributesAreSeen(CheckContext c)
    {
        c.Create("f", "content");
        for (var i = 0; i < 30; i++)
        {
            var (here, there) = i % 2 == 0 ? (c.At("f"), c.Second("f")) : (c.Second("f"), c.At("f"));
            c.Ok(ChMod(here, Octal(600) + (i % 8)));
            c.Equal(Octal(600) + (i % 8), c.StatOf(there).Permissions, $"{i}");
            c.Ok(UTimeNs(here, new TimeSpec(i, i), new TimeSpec(i + 1, i)));
            c.Equal(new TimeSpec(i + 1, i), c.StatOf(there).Mtime, $"{i}");
            c.Ok(Link(here, $"{here}{i}"));
            c.Equal((uint)i + 2, c.StatOf(there).Links, $"{i}");
            c.Equal(c.StatOf(here).Inode, c.StatOf(there).Inode);
        }
    }

    [Check("chown(2): seen at once, and the rights that follow from it", Needs = Needs.SecondMount | Needs.OtherUsers)]
    public static void RightsAreSeen(CheckContext c)
    {
        c.Create("f", "content", Octal(600));
        User.Alice.Run(() => c.Fails(EACCES, Sys.Open(c.Second("f"), O_RDONLY)));
        c.Ok(ChOwn(c.At("f"), 70001, 70001));
        User.Alice.Run(() => c.Equal("content", c.ReadAll(c.Second("f"))));
        c.Ok(ChMod(c.Second("f"), 0));
        User.Alice.Run(() => c.Fails(EACCES, Sys.Open(c.At("f"), O_RDONLY)));
        c.Ok(ChMod(c.Dir, Octal(700)));
        User.Alice.Run(() => c.Fails(EACCES, TryStat(c.Second("f"))));
    }

    [Check("POSIX rename: over a file that is open through the other mount", Needs = Needs.SecondMount)]
    public static void RenameOverAnOpenFile(CheckContext c)
    {
        c.Create("f", "old");
        var old = c.Open(c.Second("f"), O_RDWR);
        c.Equal("old", c.ReadAll(old));
        c.Create("g", "new");
        c.Ok(Rename(c.At("g"), c.At("f")));
        c.Equal(("old", "new"), (c.ReadAll(old), c.ReadAll(c.Second("f"))));
        c.Ok(PWrite(old, "OLD", 0));
        c.Equal(("OLD", "new", 0u), (c.ReadAll(old), c.ReadAll(c.At("f")), c.StatOf(old).Links));
    }

    [Check("POSIX mmap, msync: what is in memory after msync is seen, and seen in a new mapping",
        Needs = Needs.SecondMount)]
    public static void MappedWritesAreSeen(CheckContext c)
    {
        const int Length = 65536;
        var fd = c.Open(c.Create("f", new string('x', Length)), O_RDWR);
        var other = c.Open(c.Second("f"), O_RDWR);
        c.ReadAll(other);
        var address = c.Ok(MMap(fd, 0, Length, PROT_READ | PROT_WRITE, MAP_SHARED));
        for (var i = 0; i < 10; i++)
        {
            Mapped(address, Length)[i * 5000] = (byte)('a' + i);
            c.Ok(MSync(address, Length));
            c.Equal((char)('a' + i), c.ReadAll(other)[i * 5000], $"{i}");
            c.Ok(PWrite(other, "o", (i * 5000) + 1));
            c.Equal((byte)'o', Mapped(address, Length)[(i * 5000) + 1], $"{i} in memory");
        }

        c.Ok(MUnmap(address, Length));
    }

    [Check("setxattr(2): seen at once", Needs = Needs.SecondMount)]
    public static void ExtendedAttributesAreSeen(CheckContext c)
    {
        c.Create("f");
        var buffer = new byte[8];
        for (var i = 0; i < 20; i++)
        {
            var (here, there) = i % 2 == 0 ? (c.At("f"), c.Second("f")) : (c.Second("f"), c.At("f"));
            c.Fails(ENODATA, GetXAttr(there, "user.a", buffer), $"{i}");
            c.Optional(SetXAttr(here, "user.a", [(byte)i]));
            c.Equal(1L, c.Ok(GetXAttr(there, "user.a", buffer)));
            c.Equal((byte)i, buffer[0]);
            c.Ok(RemoveXAttr(there, "user.a"));
        }
    }

    [Check("POSIX 4.13: a directory that is moved under the other's feet: open descriptors follow",
        Needs = Needs.SecondMount)]
    public static void MovedDirectoriesAreFollowed(CheckContext c)
    {
        c.Directory("a");
        c.Directory("a/b");
        c.Create("a/b/f", "content");
        var directory = c.Open(c.Second("a/b"), O_RDONLY | O_DIRECTORY);
        c.Ok(Rename(c.At("a"), c.At("z")));
        c.Fails(ENOENT, TryStat(c.Second("a/b/f")));
        c.Equal("content", c.ReadAll(c.Second("z/b/f")));
        c.Equal("content", c.ReadAll(c.Keep((int)c.Ok(OpenAt(directory, "f", O_RDONLY)))));
        c.Ok(Unlink(c.At("z/b/f")));
        c.Fails(ENOENT, OpenAt(directory, "f", O_RDONLY));
        c.Ok(Sys.RmDir(c.At("z/b")));
        c.Fails(ENOENT, OpenAt(directory, "g", O_WRONLY | O_CREAT, Octal(644)));
    }
}
