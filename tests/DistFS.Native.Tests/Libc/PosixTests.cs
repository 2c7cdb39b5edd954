using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace DistFS.Native.Tests;

/// <summary>The C library's calls.</summary>
public sealed class PosixTests
{
    [Fact]
    public void Folders_are_synced_and_other_things_refused()
    {
        using var folder = new TempFolder();
        Posix.FsyncDirectory(folder.Path);
        File.WriteAllText(folder.Sub("file"), "x");
        AssertStatus(FsStatus.NotADirectory, () => Posix.FsyncDirectory(folder.Sub("file")));
        var failure = AssertStatus(FsStatus.NotFound, () => Posix.FsyncDirectory(folder.Sub("absent")));
        Assert.Equal(ErrorCatalog.SystemCall, failure.Code);
        Assert.Contains("absent", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_synced_and_closed_handles_refused()
    {
        using var folder = new TempFolder();
        var file = Create(folder);
        RandomAccess.Write(file, "data"u8, 0);
        Posix.FDataSync(file);
        Posix.FSync(file);
        Posix.Advise(file, 0, 0, FileAdvice.DontNeed);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Posix.FSync(file));
        Assert.Throws<ObjectDisposedException>(() => Posix.FDataSync(file));
    }

    [Fact]
    public void What_has_no_storage_cannot_be_synced()
    {
        using var device = File.OpenHandle("/dev/null");
        AssertStatus(FsStatus.Invalid, () => Posix.FSync(device)); // fsync(2): EINVAL.
        AssertStatus(FsStatus.Invalid, () => Posix.FDataSync(device));
    }

    /// <summary>fallocate(2).</summary>
    [Fact]
    public void Fallocate_extends_or_keeps_the_size()
    {
        using var folder = new TempFolder();
        using var file = Create(folder);
        Posix.Fallocate(file, FallocateModes.KeepSize, 0, 1 << 20);
        Assert.Equal(0, RandomAccess.GetLength(file));
        Posix.Fallocate(file, FallocateModes.None, 0, 1 << 20);
        Assert.Equal(1 << 20, RandomAccess.GetLength(file));
        Assert.Throws<ArgumentOutOfRangeException>(() => Posix.Fallocate(file, FallocateModes.None, -1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Posix.Fallocate(file, FallocateModes.None, 0, 0));
        AssertStatus(FsStatus.NotSupported, () => Posix.Fallocate(file, FallocateModes.PunchHole, 0, 4096));
        using var reader = File.OpenHandle(folder.Sub("file"));
        AssertStatus(FsStatus.BadHandle, () => Posix.Fallocate(reader, FallocateModes.None, 0, 4096));
    }

    /// <summary>preadv(2).</summary>
    [Fact]
    public unsafe void A_scattered_read_fills_its_parts_in_order()
    {
        Assert.Equal(16, sizeof(ScatterPart));
        using var folder = new TempFolder();
        var file = Create(folder);
        RandomAccess.Write(file, "0123456789"u8, 0);
        var bytes = new byte[8];
        fixed (byte* start = bytes)
        {
            ScatterPart[] parts = [new((nint)(start + 5), 3), new((nint)start, 5)];
            Assert.Equal(8, Posix.ReadScattered(file, parts, 1));
            Assert.Equal("45678123"u8.ToArray(), bytes);
            Assert.Equal(4, Posix.ReadScattered(file, parts, 6));
            Assert.Equal("95678678"u8.ToArray(), bytes);
            Assert.Equal(0, Posix.ReadScattered(file, parts, 10));
            Assert.Throws<ArgumentOutOfRangeException>(() => Posix.ReadScattered(file, [], 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => Posix.ReadScattered(file, parts, -1));
            file.Dispose();
            Assert.Throws<ObjectDisposedException>(() => Posix.ReadScattered(file, parts, 0));
        }
    }

    /// <summary>lseek(2), SEEK_HOLE and SEEK_DATA.</summary>
    [Fact]
    public void A_punched_hole_is_seen_and_reads_as_zeros()
    {
        using var folder = new TempFolder();
        using var file = Create(folder);
        var content = new byte[1 << 20];
        new Prng(1).Fill(content);
        RandomAccess.Write(file, content, 0);
        Assert.Equal(1 << 20, Posix.SeekHole(file, 0)); // The end.
        Posix.Fallocate(file, FallocateModes.PunchHole | FallocateModes.KeepSize, 256 << 10, 256 << 10);
        Assert.Equal(256 << 10, Posix.SeekHole(file, 0));
        Assert.Equal(512 << 10, Posix.SeekData(file, 256 << 10));
        Assert.Null(Posix.SeekData(file, 1 << 20));
        content.AsSpan(256 << 10, 256 << 10).Clear();
        var copy = new byte[1 << 20];
        Assert.Equal(1 << 20, RandomAccess.Read(file, copy, 0));
        Assert.True(copy.AsSpan().SequenceEqual(content));
    }

    [Fact]
    public void StatVfs_agrees_with_the_system()
    {
        using var folder = new TempFolder();
        var space = Posix.StatVfs(folder.Path);
        var drive = new DriveInfo(folder.Path);
        Assert.Equal(drive.TotalSize, space.TotalBytes);
        Assert.InRange(space.AvailableBytes, 1, space.FreeBytes);
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
        Assert.InRange(space.FreeFiles, 1, space.TotalFiles);
        Assert.InRange(space.BlockBytes, 512, 1 << 24);
        Assert.False(space.IsReadOnly);
        AssertStatus(FsStatus.NotFound, () => Posix.StatVfs(folder.Sub("absent")));
    }

    [Fact]
    public void A_lock_is_held_once()
    {
        using var folder = new TempFolder();
        Create(folder).Dispose();
        using var one = Posix.OpenUnlocked(folder.Sub("file"));
        using var two = Posix.OpenUnlocked(folder.Sub("file"));
        Posix.FlockExclusive(one);
        AssertStatus(FsStatus.Busy, () => Posix.FlockExclusive(two));
        Posix.FlockRelease(one);
        Posix.FlockExclusive(two);
        AssertStatus(FsStatus.Busy, () => Posix.FlockExclusive(one));
    }

    [Fact]
    public void A_folder_lock_names_its_holder_and_ends_with_it()
    {
        using var folder = new TempFolder();
        using (FolderLock.Acquire(folder.Path))
        {
            var failure = Assert.Throws<DistFsException>(() => FolderLock.Acquire(folder.Path));
            Assert.Equal(ErrorCatalog.StoreLocked, failure.Code);
            Assert.Contains($"process {Environment.ProcessId}", failure.Message, StringComparison.Ordinal);
        }

        using var again = FolderLock.Acquire(folder.Path);
        Assert.Equal(folder.Path, again.Folder);
        Assert.Throws<DirectoryNotFoundException>(() => FolderLock.Acquire(folder.Sub("absent")));
    }

    /// <summary>rename(2), RENAME_NOREPLACE.</summary>
    [Fact]
    public void Rename_does_not_replace()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.Sub("a"), "a");
        File.WriteAllText(folder.Sub("b"), "b");
        AssertStatus(FsStatus.AlreadyExists, () => Posix.RenameNoReplace(folder.Sub("a"), folder.Sub("b")));
        Assert.Equal("b", File.ReadAllText(folder.Sub("b")));
        Posix.RenameNoReplace(folder.Sub("a"), folder.Sub("c"));
        Assert.Equal("a", File.ReadAllText(folder.Sub("c")));
        AssertStatus(FsStatus.NotFound, () => Posix.RenameNoReplace(folder.Sub("a"), folder.Sub("d")));
    }

    [Fact]
    public void Signals_reach_one_process_only()
    {
        var start = new ProcessStartInfo("cat") { UseShellExecute = false, RedirectStandardInput = true };
        using var child = Process.Start(start)!;
        Assert.True(Posix.ProcessExists(child.Id));
        Posix.Kill(child.Id, ProcessSignal.Stop);
        Posix.Kill(child.Id, ProcessSignal.Continue);
        Posix.Kill(child.Id, ProcessSignal.Kill);
        child.WaitForExit();
        Assert.Equal(128 + 9, child.ExitCode);
        Assert.False(Posix.ProcessExists(child.Id));
        AssertStatus(FsStatus.NotFound, () => Posix.Kill(child.Id, ProcessSignal.Terminate));
        Assert.True(Posix.ProcessExists(1)); // Of root, perhaps: "not permitted" is "exists".
        Assert.Throws<ArgumentOutOfRangeException>(() => Posix.Kill(0, ProcessSignal.Kill));
        Assert.Throws<ArgumentOutOfRangeException>(() => Posix.Kill(-1, ProcessSignal.Kill));
        Assert.Throws<ArgumentOutOfRangeException>(() => Posix.ProcessExists(0));
    }

    [Fact]
    public void Regular_files_are_told_from_all_else()
    {
        using var folder = new TempFolder();
        var (file, link) = (folder.Sub("file"), folder.Sub("link"));
        File.WriteAllText(file, "");
        File.CreateSymbolicLink(link, file);
        Assert.True(Posix.IsRegularFile(file, followsLink: false));
        Assert.True(Posix.IsRegularFile(link, followsLink: true));
        Assert.False(Posix.IsRegularFile(link, followsLink: false));
        Assert.False(Posix.IsRegularFile("/dev/null", followsLink: true));
        Assert.False(Posix.IsRegularFile(Path.GetTempPath(), followsLink: true));
        AssertStatus(FsStatus.NotFound, () => Posix.IsRegularFile(folder.Sub("none"), followsLink: true));
    }

    [Fact]
    public void The_limit_of_open_files_only_rises()
    {
        var (soft, hard) = Posix.GetOpenFilesLimit();
        Assert.InRange(soft, 1, hard);
        Assert.Equal(soft, Posix.RaiseOpenFilesLimit(1));
        Assert.Equal(hard, Posix.RaiseOpenFilesLimit(long.MaxValue));
        Assert.Equal(hard, Posix.GetOpenFilesLimit().Soft);
    }

    [Fact]
    public unsafe void Structs_have_the_sizes_of_the_system()
    {
        Assert.Equal(112, sizeof(DistFS.Native.Libc.StatVfsBuffer)); // sys/statvfs.h, 64 bits.
        Assert.Equal(16, sizeof(DistFS.Native.Libc.RLimit)); // sys/resource.h.
    }

    private static SafeFileHandle Create(TempFolder folder) => File.OpenHandle(
        folder.Sub("file"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static DistFsException AssertStatus(FsStatus status, Action action)
    {
        var failure = Assert.Throws<DistFsException>(action);
        Assert.Equal(status, failure.Status);
        return failure;
    }
}
