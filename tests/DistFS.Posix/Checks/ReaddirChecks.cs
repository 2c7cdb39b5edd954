namespace DistFS.Posix.Checks;

/// <summary>Listing directories: getdents64(2), which readdir(3), seekdir(3) and telldir(3) stand on.</summary>
public static class ReaddirChecks
{
    [Check("POSIX readdir: each entry once with its inode and type, `.` and `..` among them")]
    public static void EntriesSayWhatTheyAre(CheckContext c)
    {
        c.Create("file");
        c.Directory("dir");
        c.Ok(MkFifo(c.At("fifo"), Octal(644)));
        c.Ok(SymLink("x", c.At("link")));
        c.Ok(MkNod(c.At("sock"), S_IFSOCK | Octal(644)));
        var entries = List(c, c.Dir);
        c.Equal(". .. dir fifo file link sock", Joined(entries));
        foreach (var entry in entries.Where(e => e.Name != ".."))
        {
            var stat = c.LStatOf(c.At(entry.Name));
            c.Equal(stat.Inode, entry.Inode, entry.Name);
            c.True(entry.Type == 0 || entry.Type == stat.Type >> 12, $"type of {entry.Name}: {entry.Type}");
        }
    }

    [Check("POSIX readdir: every entry of a large directory exactly once, whatever the size of the buffer")]
    public static void LargeDirectoriesAreWhole(CheckContext c)
    {
        var count = c.Options.Entries;
        c.Directory("d");
        var directory = c.Open(c.At("d"), O_RDONLY | O_DIRECTORY);
        for (var i = 0; i < count; i++)
        {
            c.Progress($"making entry {i} of {count}");
            Sys.Close((int)c.Ok(OpenAt(directory, Name(i), O_WRONLY | O_CREAT | O_EXCL, Octal(644))));
        }

        foreach (var bytes in (int[])[1 << 20, 32768, 4096])
        {
            c.Progress($"listing {count} entries by {bytes} bytes");
            var names = List(c, c.Second("d"), bytes).Select(e => e.Name).ToList();
            c.Equal(count + 2, names.Count);
            c.Equal(count + 2, names.Distinct(StringComparer.Ordinal).Count());
        }

        for (var i = 0; i < count; i += Math.Max(1, count / 1000))
        {
            c.Ok(TryStat(c.At($"d/{Name(i)}")));
        }

        for (var i = 0; i < count; i++)
        {
            c.Progress($"removing entry {i} of {count}");
            c.Ok(UnlinkAt(directory, Name(i), 0));
        }

        c.Equal(0, c.Names(c.At("d")).Count);
    }

    [Check("POSIX seekdir, telldir: from the position of each entry on, the same rest")]
    public static void PositionsLeadBack(CheckContext c)
    {
        for (var i = 0; i < 300; i++)
        {
            c.Create($"f{i}");
        }

        var fd = c.Open(c.Dir, O_RDONLY | O_DIRECTORY);
        var all = Rest(c, fd, 1024);
        c.Equal(302, all.Count);
        for (var i = 0; i < all.Count; i += 7)
        {
            c.Ok(LSeek(fd, all[i].Next, SEEK_SET));
            var rest = Rest(c, fd, 1024).Select(e => e.Name);
            c.True(rest.SequenceEqual(all.Skip(i + 1).Select(e => e.Name)), $"behind entry {i}");
        }
    }

    [Check("POSIX rewinddir: shows what the directory has become")]
    public static void RewindingShowsWhatIsNew(CheckContext c)
    {
        c.Create("a");
        var fd = c.Open(c.Dir, O_RDONLY | O_DIRECTORY);
        c.Equal(". .. a", Joined(Rest(c, fd)));
        c.Equal(0, Rest(c, fd).Count);
        c.Create("b");
        c.Ok(Unlink(c.At("a")));
        c.Ok(LSeek(fd, 0, SEEK_SET));
        c.Equal(". .. b", Joined(Rest(c, fd)));
    }

    [Check("POSIX readdir: names that stay are seen once while others come and go")]
    public static void NamesThatStayAreSeenOnce(CheckContext c)
    {
        const int Staying = 2000;
        c.Directory("d");
        for (var i = 0; i < Staying; i++)
        {
            c.Create($"d/stays-{i}");
        }

        using var stop = new CancellationTokenSource();
        var changer = CheckContext.Start(() =>
        {
            var i = 0;
            for (; !stop.IsCancellationRequested; i++)
            {
                var path = $"{c.Second("d")}/comes-{i % 500}";
                Close(Sys.Open(path, O_WRONLY | O_CREAT, Octal(644)).Fd);
                Rename(path, $"{c.Second("d")}/goes-{i % 300}");
                Unlink($"{c.Second("d")}/goes-{(i + 150) % 300}");
            }

            return i;
        });
        try
        {
            for (var round = 0; round < 20; round++)
            {
                c.Progress($"listing {round}");
                var names = List(c, c.At("d"), 2048).Select(e => e.Name)
                    .Where(n => n.StartsWith("stays-", StringComparison.Ordinal)).ToList();
                c.Equal(Staying, names.Count, $"round {round}");
                c.Equal(Staying, names.Distinct(StringComparer.Ordinal).Count(), $"round {round}");
            }
        }
        finally
        {
            stop.Cancel();
        }

        c.True(c.Await(changer, "the changer") > 0, "something changed");
    }

    [Check("POSIX readdir: removing each entry as it is read empties the directory (rm -r)")]
    public static void RemovingWhileReadingEmpties(CheckContext c)
    {
        for (var i = 0; i < 3000; i++)
        {
            c.Create($"f{i}");
        }

        var fd = c.Open(c.Dir, O_RDONLY | O_DIRECTORY);
        var entries = new List<DirectoryEntry>();
        while (c.Ok(GetDEnts(fd, entries, 1024)) > 0)
        {
            foreach (var entry in entries.Where(e => e.Name is not ("." or "..")))
            {
                c.Ok(UnlinkAt(fd, entry.Name, 0));
            }

            entries.Clear();
        }

        c.Equal(0, c.Names(c.Dir).Count);
    }

    [Check("getdents(2) [ENOTDIR], [EBADF]; [EINVAL] a buffer too small for any entry")]
    public static void Refusals(CheckContext c)
    {
        c.Create("f");
        c.Fails(ENOTDIR, GetDEnts(c.Open(c.At("f"), O_RDONLY), []));
        c.Fails(EBADF, GetDEnts(9999, []));
        c.Fails(EINVAL, GetDEnts(c.Open(c.Dir, O_RDONLY), [], 8));
    }

    private static string Name(int i) => $"entry-{i:D7}";

    private static string Joined(IEnumerable<DirectoryEntry> entries) =>
        string.Join(' ', entries.Select(e => e.Name).Order(StringComparer.Ordinal));

    private static List<DirectoryEntry> List(CheckContext c, string path, int bytes = 32768)
    {
        var fd = c.Open(path, O_RDONLY | O_DIRECTORY);
        var entries = Rest(c, fd, bytes);
        c.Close(fd);
        return entries;
    }

    private static List<DirectoryEntry> Rest(CheckContext c, int fd, int bytes = 32768)
    {
        var entries = new List<DirectoryEntry>();
        while (c.Ok(GetDEnts(fd, entries, bytes)) > 0)
        {
            c.Progress($"{entries.Count} entries listed");
        }

        return entries;
    }
}
