using DistFS.Posix.Random;
using static DistFS.Posix.Syscalls.Constants;
using static DistFS.Posix.Syscalls.Errno;

namespace DistFS.Posix.Tests;

/// <summary>The model of names by itself: a table of what the kernel's manual pages say.</summary>
public sealed class TreeModelTests
{
    private readonly TreeModel _model = new();

    public TreeModelTests()
    {
        // d/e, d/f, g (a file), l -> d, loop -> loop, dangling -> nowhere
        _model.MkDir("d");
        _model.MkDir("d/e");
        _model.Create("d/f", "f");
        _model.Create("g", "g");
        _model.SymLink("d", "l");
        _model.SymLink("loop", "loop");
        _model.SymLink("nowhere", "dangling");
    }

    [Theory]
    [InlineData("d", EEXIST)]
    [InlineData("dangling", EEXIST)]
    [InlineData("g/x", ENOTDIR)]
    [InlineData("x/y", ENOENT)]
    [InlineData("loop/x", ELOOP)]
    [InlineData("dangling/x", ENOENT)]
    [InlineData("l/x", OK)]
    public void Making(string path, Errno expected)
    {
        Assert.Equal(expected, _model.MkDir(path));
        Assert.Equal(expected == OK ? EEXIST : expected, _model.Create(path, ""));
        Assert.Equal(expected == OK ? EEXIST : expected, _model.SymLink("x", path));
    }

    [Theory]
    [InlineData("d", "d/x", 0, EINVAL)]
    [InlineData("d", "d/e/x", 0, EINVAL)]
    [InlineData("d/e", "d", 0, ENOTEMPTY)]
    [InlineData("d/e", "d", RENAME_EXCHANGE, EINVAL)]
    [InlineData("g", "d", 0, EISDIR)]
    [InlineData("d", "g", 0, ENOTDIR)]
    [InlineData("d", "l", 0, ENOTDIR)]
    [InlineData("g", "d/f", RENAME_NOREPLACE, EEXIST)]
    [InlineData("x", "g", 0, ENOENT)]
    [InlineData("g", "x", RENAME_EXCHANGE, ENOENT)]
    [InlineData("g", "d/f", 0, OK)]
    [InlineData("d", "g", RENAME_EXCHANGE, OK)]
    public void Renaming(string from, string to, int flags, Errno expected) =>
        Assert.Equal(expected, _model.Rename(from, to, flags));

    [Fact]
    public void LinksAreCounted()
    {
        Assert.Equal(OK, _model.Link("g", "d/h"));
        Assert.Equal(EPERM, _model.Link("d", "x"));
        _model.Find("g", follow: false, out var file);
        _model.Find("d", follow: false, out var directory);
        Assert.Equal((2u, 3u), (file!.Links, directory!.Links));
        Assert.Equal(OK, _model.Rename("d/e", "e", 0));
        Assert.Equal((2u, 4u), (directory.Links, _model.Root.Links));
        Assert.Equal(OK, _model.Rename("g", "d/h", 0));
        Assert.Equal(OK, _model.Find("g", follow: false, out _));
        Assert.Equal(OK, _model.Unlink("g"));
        Assert.Equal(1u, file.Links);
    }

    [Fact]
    public void WritingFollowsADanglingLink()
    {
        Assert.Equal(OK, _model.Write("dangling", "made"));
        Assert.Equal(OK, _model.Find("nowhere", follow: false, out var made));
        Assert.Equal("made", made!.Content);
        Assert.Equal(EISDIR, _model.Write("l", ""));
        Assert.Equal(ELOOP, _model.Write("loop", ""));
    }

    [Fact]
    public void AFailingSequenceIsMadeShort()
    {
        var shortest = Shrinker.Shrink(
            [.. Enumerable.Range(0, 1000)], s => s.Contains(17) && s.Contains(803), runsMax: 500);
        Assert.Equal([17, 803], shortest);
    }
}
