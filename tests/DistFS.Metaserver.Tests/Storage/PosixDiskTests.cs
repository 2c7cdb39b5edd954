using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

public sealed class PosixDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FilesAreWrittenReadRenamedCutAndDeleted()
    {
        var disk = new PosixDisk(_folder.Path);
        using (var file = disk.Create("b"))
        {
            file.Preallocate(10_000);
            Assert.Equal(10_000, file.Length);
            file.Preallocate(5);
            file.Write(9_998, "abcd"u8);
            file.Sync();
            Assert.Equal(10_002, file.Length);
            var bytes = new byte[10];
            Assert.Equal(5, file.Read(9_997, bytes));
            Assert.Equal("\0abcd"u8, bytes.AsSpan(0, 5));
            file.Truncate(9_999);
            Assert.Equal(2, file.Read(9_997, bytes));
            Assert.Equal(0, file.Read(20_000, bytes));
        }

        disk.Create("a").Dispose();
        Assert.Equal(["a", "b"], disk.List());
        disk.Rename("b", "a");
        disk.SyncFolder();
        using (var file = disk.Open("a"))
        {
            Assert.Equal(9_999, file.Length);
        }

        disk.Create("a").Dispose();
        disk.Delete("a");
        disk.Delete("a");
        Assert.Empty(disk.List());
        Assert.Throws<FileNotFoundException>(() => disk.Open("a"));
    }

    [Theory]
    [InlineData("../a")]
    [InlineData("a/b")]
    [InlineData("/etc/passwd")]
    [InlineData("a\\b")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    public void ANameThatLeavesTheFolderIsRefused(string name)
    {
        var disk = new PosixDisk(_folder.Path);
        Assert.ThrowsAny<ArgumentException>(() => disk.Open(name));
        Assert.ThrowsAny<ArgumentException>(() => disk.Create(name));
        Assert.ThrowsAny<ArgumentException>(() => disk.Delete(name));
        Assert.ThrowsAny<ArgumentException>(() => disk.Rename("a", name));
        Assert.ThrowsAny<ArgumentException>(() => disk.Rename(name, "a"));
    }

    [Fact]
    public void AFullDiskIsTold()
    {
        var disk = new PosixDisk(_folder.Path);
        Assert.True(disk.DiskFull(new PosixDiskException("full", FsStatus.NoSpace, new IOException())));
        Assert.True(disk.DiskFull(new PosixDiskException("full", FsStatus.QuotaExceeded, new IOException())));
        Assert.False(disk.DiskFull(new IOException("other")));
        if (File.Exists("/dev/full"))
        {
            using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
            var error = Assert.ThrowsAny<IOException>(() => RandomAccess.Write(full, "x"u8, 0));
            Assert.True(disk.DiskFull(error));
        }
    }

    /// <summary>.NET has exceptions for EBADF and EFBIG that are no IOException.</summary>
    [Fact]
    public void WhateverTheSystemRefusesIsAnErrorOfTheDisk()
    {
        var path = _folder.Sub("a");
        File.WriteAllText(path, "abc");
        using var read = new PosixDiskFile(File.OpenHandle(path));
        Assert.ThrowsAny<IOException>(() => read.Write(0, "x"u8));
        Assert.ThrowsAny<IOException>(() => read.Truncate(1));
        Assert.ThrowsAny<IOException>(() => read.Preallocate(100));
        using var write = new PosixDiskFile(File.OpenHandle(path, FileMode.Open, FileAccess.Write));
        Assert.ThrowsAny<IOException>(() => write.Read(0, new byte[1]));
        Assert.ThrowsAny<IOException>(() => write.Write(long.MaxValue - 1, "xyz"u8));
        Assert.ThrowsAny<IOException>(() => write.Truncate(long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => write.Truncate(-1));
    }

    [Fact]
    public void AFolderMustExistAndMayVanish()
    {
        Assert.Throws<DirectoryNotFoundException>(() => new PosixDisk(_folder.Sub("none")));
        var folder = Directory.CreateDirectory(_folder.Sub("gone"));
        var disk = new PosixDisk(folder.FullName);
        folder.Delete();
        Assert.ThrowsAny<IOException>(() => disk.List());
        Assert.ThrowsAny<IOException>(() => disk.SyncFolder());
        Assert.ThrowsAny<IOException>(() => disk.Create("a"));
    }

    [Fact]
    public void AStoreLivesOnRealFiles()
    {
        var disk = new PosixDisk(_folder.Path);
        RaftStore.Format(disk, Stores.Identity, Stores.Three);
        using (var store = Stores.Open(disk))
        {
            store.SetHardState(Stores.Hard(1));
            store.AppendSynced(Stores.Entries(1, 1, 60, 300));
            store.TakeSnapshot(1, 30, 3 << 20);
            store.CompactTo(new LogIndex(25));
            store.SetHardState(Stores.Hard(2));
            store.AppendSynced(Stores.Entries(2, 40, 50, 300));
            store.Settle();
        }

        using var again = Stores.Open(disk);
        Assert.Empty(again.Findings);
        Stores.AssertSame([.. Stores.Entries(1, 26, 39, 300), .. Stores.Entries(2, 40, 50, 300)], again.ReadAll());
        Assert.True(again.Receive(2, 90, 2 << 20));
        Assert.Equal(Stores.Id(2, 90), again.Last);
    }
}
