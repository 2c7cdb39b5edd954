namespace DistFS.Posix.Checks;

/// <summary>stat(2) st_nlink.</summary>
public static class NlinkChecks
{
    [Check("POSIX stat st_nlink: one for each name, over link, rename, rename over, unlink")]
    public static void NamesAreCounted(CheckContext c)
    {
        var path = c.Create("f");
        c.Equal(1u, c.StatOf(path).Links);
        c.Ok(Link(path, c.At("g")));
        c.Ok(Link(c.At("g"), c.At("h")));
        c.Equal(3u, c.StatOf(path).Links);
        c.Ok(Rename(c.At("g"), c.At("i")));
        c.Equal(3u, c.StatOf(path).Links);
        c.Create("other");
        c.Ok(Rename(c.At("other"), c.At("i")));
        c.Equal(2u, c.StatOf(path).Links);
        c.Ok(Rename(c.At("h"), c.At("i")));
        c.Equal(2u, c.StatOf(path).Links);
        c.Ok(Unlink(path));
        c.Equal(1u, c.StatOf(c.At("i")).Links);
    }

    [Check("stat(2): a directory has 2 links and one for each directory in it, or always 1 (btrfs)")]
    public static void DirectoriesAreCounted(CheckContext c)
    {
        c.Directory("d");
        var none = c.StatOf(c.At("d")).Links;
        c.True(none is 1 or 2, $"{none} links");
        for (var i = 0; i < 10; i++)
        {
            c.Directory($"d/{i}");
            c.Create($"d/file{i}");
        }

        c.Equal(none == 2 ? 12u : 1u, c.StatOf(c.At("d")).Links);
        c.Ok(Sys.RmDir(c.At("d/0")));
        c.Ok(Rename(c.At("d/1"), c.At("out")));
        c.Ok(Rename(c.At("d/2"), c.At("d/3")));
        c.Equal(none == 2 ? 9u : 1u, c.StatOf(c.At("d")).Links);
    }

    [Check("fstat(2): the count of an open file follows what is done to its names")]
    public static void TheCountOfAnOpenFile(CheckContext c)
    {
        var fd = c.Open(c.Create("f"), O_RDONLY);
        c.Ok(Link(c.Second("f"), c.Second("g")));
        c.Equal(2u, c.StatOf(fd).Links);
        c.Ok(Unlink(c.At("f")));
        c.Equal(1u, c.StatOf(fd).Links);
        c.Ok(Unlink(c.Second("g")));
        c.Equal(0u, c.StatOf(fd).Links);
    }
}
