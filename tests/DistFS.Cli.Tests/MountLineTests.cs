using DistFS.Cli.Local;

namespace DistFS.Cli.Tests;

/// <summary>Directories as the mount table has them, of what somebody typed.</summary>
public sealed class MountLineTests
{
    [Fact]
    public void Links_are_followed_wherever_they_stand_and_what_is_not_there_stays()
    {
        using var folder = new TempFolder();
        var real = Path.Combine(folder.Path, "real");
        Directory.CreateDirectory(Path.Combine(real, "dir"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "link"), real);
        File.CreateSymbolicLink(Path.Combine(real, "up"), "../link/dir");
        Assert.Equal($"{real}/dir", MountLine.PathOf($"{folder.Path}/link/dir//"));
        Assert.Equal($"{real}/dir", MountLine.PathOf($"{folder.Path}/link/up"));
        Assert.Equal($"{real}/dir/none/at/all", MountLine.PathOf($"{folder.Path}/link/up/none/at/all/"));
        Assert.Equal("/", MountLine.PathOf("/"));
        Assert.Equal("/tmp", MountLine.PathOf("/../none/./../tmp"));
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "none"), MountLine.PathOf("none/"));

        // Behind a link `..` leads to where that is, and not to where the link stands.
        Directory.CreateDirectory(Path.Combine(folder.Path, "deep", "er"));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "in"), "deep/er");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "beside"), "in/../m");
        Assert.Equal($"{folder.Path}/deep/m", MountLine.PathOf($"{folder.Path}/beside"));
        Assert.Equal($"{folder.Path}/deep/m/x", MountLine.PathOf($"{folder.Path}/in/../m/x"));
    }

    [Fact]
    public void A_link_to_itself_ends()
    {
        using var folder = new TempFolder();
        var loop = Path.Combine(folder.Path, "loop");
        File.CreateSymbolicLink(loop, "loop");
        Assert.Equal(loop, MountLine.PathOf(loop));
    }
}
