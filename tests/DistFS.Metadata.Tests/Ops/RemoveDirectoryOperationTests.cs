namespace DistFS.Metadata.Tests.Ops;

/// <summary>POSIX, rmdir.</summary>
public sealed class RemoveDirectoryOperationTests
{
    private readonly Namespace _fs = new();

    [Fact]
    public void An_empty_directory_goes()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        Assert.Equal(3u, _fs.Row(InodeId.Root).Links);
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
        Assert.Equal((2u, 0UL), (_fs.Row(InodeId.Root).Links, _fs.Row(InodeId.Root).Entries));
        Assert.Equal(0u, _fs.Row(directory).Links);
    }

    [Fact]
    public void What_cannot_be_removed()
    {
        var directory = _fs.Directory(InodeId.Root, "d");
        var file = _fs.File(directory, "f");
        Assert.Equal(FsStatus.NotEmpty, _fs.RemoveDirectory(InodeId.Root, "d"));
        Assert.Equal(FsStatus.NotADirectory, _fs.RemoveDirectory(directory, "f"));
        Assert.Equal(FsStatus.NotADirectory, _fs.RemoveDirectory(file, "f"));
        Assert.Equal(FsStatus.NotFound, _fs.RemoveDirectory(InodeId.Root, "x"));
        Assert.Equal(FsStatus.Invalid, _fs.RemoveDirectory(directory, "."));
        Assert.Equal(FsStatus.Ok, _fs.Unlink(directory, "f"));
        Assert.Equal(FsStatus.Ok, _fs.RemoveDirectory(InodeId.Root, "d"));
    }
}
