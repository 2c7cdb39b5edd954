namespace DistFS.Posix.Checks;

/// <summary>statvfs(3).</summary>
public static class StatfsChecks
{
    [Check("POSIX statvfs: figures that add up; names of 255 bytes")]
    public static void FiguresAddUp(CheckContext c)
    {
        c.Ok(Sys.StatVfs(c.Dir, out var s));
        c.True(s.Blocks > 0 && s.BlocksFree <= s.Blocks && s.BlocksAvailable <= s.BlocksFree, "blocks");
        c.True(s.FilesFree <= s.Files && s.FilesAvailable <= s.FilesFree, "files");
        c.True(s.FragmentSize > 0 && (s.FragmentSize & (s.FragmentSize - 1)) == 0, $"fragment {s.FragmentSize}");
        c.True(s.BlockSize >= 512, $"block {s.BlockSize}");
        c.Equal((ulong)NAME_MAX, s.NameMax);
    }

    [Check("POSIX statvfs: the same of a file, of a directory and through the other mount")]
    public static void TheSameEverywhere(CheckContext c)
    {
        c.Ok(Sys.StatVfs(c.Dir, out var directory));
        c.Ok(Sys.StatVfs(c.Create("f"), out var file));
        c.Ok(Sys.StatVfs(c.Second("f"), out var second));
        c.Equal((directory.Blocks, directory.FragmentSize), (file.Blocks, file.FragmentSize));
        c.Equal((directory.Blocks, directory.FragmentSize), (second.Blocks, second.FragmentSize));
    }

    [Check("POSIX stat: all inodes of one file system have its device and different numbers")]
    public static void InodesAreDistinct(CheckContext c)
    {
        var inodes = new HashSet<ulong>();
        for (var i = 0; i < 200; i++)
        {
            var stat = c.StatOf(i % 2 == 0 ? c.Create($"{i}") : c.Directory($"{i}"));
            c.True(inodes.Add(stat.Inode), $"inode {stat.Inode}");
            c.Equal(c.StatOf(c.Dir).Device, stat.Device);
        }
    }
}
