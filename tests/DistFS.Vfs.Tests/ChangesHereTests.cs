using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.TestCluster;

namespace DistFS.Vfs.Tests;

/// <summary>
/// What one mount changes under leases to write, and keeps to itself, is what the other sees when it looks: names,
/// attributes, times and content, in their order.
/// </summary>
public sealed partial class ChangesHereTests : IAsyncLifetime
{
    private const uint Mode = 0b110_100_100;

    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-here").FullName;
    private readonly ConcurrentQueue<DistFsException> _failures = [];
    private ClusterProcesses? _cluster;
    private VfsMount _one = null!;
    private VfsMount _two = null!;
    private InodeId _directory;

    public async Task InitializeAsync()
    {
        try
        {
            await BeginAsync();
        }
        catch
        {
            // Nobody else stops what runs by then.
            await DisposeAsync();
            throw;
        }
    }

    private async Task BeginAsync()
    {
        _cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 3);

        // By itself it sends nothing while this test runs.
        _one = await ConnectAsync(TimeSpan.FromHours(1));
        _two = await ConnectAsync(TimeSpan.Zero);
        using (var made = await MakeAsync(InodeId.Root, "d", FileKind.Directory))
        {
            _directory = made.Attributes!.Inode;
        }

        // Whoever uses it has found it by its name, as a kernel does.
        using (var found = await _two.LookupAsync(FileIdentity.Root, InodeId.Root, Name("d"), default))
        {
            Assert.Equal(_directory, found.Attributes?.Inode);
        }

        await UntilHereAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var mount in new[] { _one, _two })
        {
            if (mount != null)
            {
                await mount.DisposeAsync();
            }
        }

        if (_cluster != null)
        {
            await _cluster.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_other_sees_all_of_it_as_it_was_told()
    {
        var file = await WriteAsync("f", "small");
        var large = await WriteAsync("large", new string('x', 9_000));
        using (await MakeAsync(_directory, "sub", FileKind.Directory))
        {
        }

        Assert.Equal(FsStatus.Ok, await RenameAsync("f", "g"));
        Assert.Equal(FsStatus.Ok, await RenameAsync("first", "g"));
        Assert.Equal(FsStatus.Ok, await RemoveAsync("sub", isDirectory: true));
        using (await _one.SetAttributesAsync(
            FileIdentity.Root,
            large,
            new VfsChange(new AttributeChange { Mode = 0b111, ModifyTime = new FileTime(5, 6) }, null),
            default))
        {
        }

        Assert.False(_one.Journal.IsSent(_one.NodeOf(_directory).ChangedAt));
        var told = await AttributesAsync(_one, large);
        var directory = await AttributesAsync(_one, _directory);
        Assert.Equal((0b111u, new FileTime(5, 6), 9_000L), (told.Mode, told.ModifyTime, told.Size));

        Assert.Equal(["g", "large"], await NamesAsync(_two));
        Assert.NotEqual(file, (await LookupAsync(_two, "g")).Inode);
        var seen = await AttributesAsync(_two, large);
        Assert.Equal((told.Mode, told.ModifyTime, told.Size), (seen.Mode, seen.ModifyTime, seen.Size));
        Assert.Equal(new string('x', 9_000), await ReadAsync(_two, large));
        var after = await AttributesAsync(_two, _directory);
        Assert.Equal(
            (directory.ModifyTime, directory.ChangeTime, directory.Links),
            (after.ModifyTime, after.ChangeTime, after.Links));
        Assert.Equal("first", await ReadAsync(_two, (await LookupAsync(_two, "g")).Inode));
    }

    [Fact]
    public async Task Fsync_of_a_file_and_of_a_directory_sends_what_was_before()
    {
        var (inode, handle) = await CreateAsync("f");
        await _one.PutAsync(handle, 0, "durable"u8.ToArray());
        Assert.False(_one.Journal.IsSent(_one.NodeOf(inode).ChangedAt));
        Assert.Equal(FsStatus.Ok, await _one.SyncAsync(handle, isDataOnly: false, default));
        Assert.True(_one.Journal.IsSent(_one.NodeOf(inode).ChangedAt));
        await _one.ReleaseAsync(handle);

        using (await MakeAsync(_directory, "behind", FileKind.Fifo))
        {
        }

        Assert.False(_one.Journal.IsSent(_one.NodeOf(_directory).ChangedAt));
        var opened = _one.OpenDirectory(FileIdentity.Root, _directory);
        Assert.Equal(FsStatus.Ok, await _one.SyncDirectoryAsync(opened.Handle, default));
        Assert.True(_one.Journal.IsSent(_one.NodeOf(_directory).ChangedAt));
        _one.ReleaseDirectory(opened.Handle);
    }

    /// <summary>Refused is what was told as done: whoever asks is told once, and sees how it is.</summary>
    [Fact]
    public async Task What_the_metaservers_refuse_is_told_to_fsync_and_forgotten()
    {
        var opened = _one.OpenDirectory(FileIdentity.Root, _directory);
        var status = await AttributesAsync(_one, _directory);
        var node = _one.NodeOf(_directory);
        lock (_one.Journal.Gate)
        {
            lock (node.Gate)
            {
                node.Learn("never made"u8, new InodeId(7_000_000), FileKind.File);
                _one.Journal.Append(
                    NodeChange.Remove(
                        FileIdentity.Root,
                        _directory,
                        Name("never made"),
                        status with { Inode = new InodeId(7_000_000), Kind = FileKind.File },
                        FileTime.Of(DateTimeOffset.UtcNow)),
                    node);
            }
        }

        Assert.Equal(FsStatus.NotFound, await _one.SyncDirectoryAsync(opened.Handle, default));
        Assert.Equal(FsStatus.Ok, await _one.SyncDirectoryAsync(opened.Handle, default));
        using var looked = await _one.LookupAsync(FileIdentity.Root, _directory, Name("never made"), default);
        Assert.Equal(FsStatus.NotFound, looked.Status);
        Assert.Equal("first", (await ReadAsync(_one, (await LookupAsync(_one, "first")).Inode))[..5]);
        _one.ReleaseDirectory(opened.Handle);
    }

    /// <summary>A session may have 16 ranges of numbers that are not used up.</summary>
    [Fact]
    public async Task Ranges_of_inode_numbers_are_used_to_their_ends()
    {
        InodeId last = default;
        for (var i = 0; i < 20 * 64; i++)
        {
            using var made = await MakeAsync(_directory, $"f{i}", FileKind.File);
            last = made.Attributes!.Inode;
        }

        Assert.Same(_one.NodeOf(_directory), _one.NodeOf(last).Owner);
        Assert.Empty(_failures);
        Assert.Equal(1 + (20 * 64), (await NamesAsync(_two)).Count);
    }

    [Fact]
    public async Task Many_that_the_other_made_are_removed_here_with_leases_taken_together()
    {
        for (var i = 0; i < 300; i++)
        {
            var made = await _two.MakeAsync(
                FileIdentity.Root, _directory, Name($"f{i}"), New(FileKind.File), default);
            made.Dispose();
            Assert.Equal(FsStatus.Ok, made.Status);
        }

        var names = await NamesAsync(_one);
        Assert.Equal(301, names.Count);
        foreach (var name in names)
        {
            Assert.Equal(FsStatus.Ok, await RemoveAsync(name, isDirectory: false));
        }

        Assert.Empty(await NamesAsync(_two));
        Assert.Equal(FsStatus.NotFound, await RemoveAsync("f1", isDirectory: false));
    }

    [Fact]
    public async Task A_directory_with_names_stays_and_one_that_is_open_is_looked_at_when_it_is_gone()
    {
        InodeId inode;
        using (var sub = await MakeAsync(_directory, "sub", FileKind.Directory))
        {
            inode = sub.Attributes!.Inode;
        }

        using (await MakeAsync(inode, "x", FileKind.File))
        {
        }

        Assert.Equal(FsStatus.NotEmpty, await RemoveAsync("sub", isDirectory: true));
        Assert.Equal(FsStatus.IsADirectory, await RemoveAsync("sub", isDirectory: false));
        Assert.Equal(FsStatus.Ok, await _one.UnlinkAsync(FileIdentity.Root, inode, Name("x"), default));

        // Known as whoever has it open knows it.
        using (await _one.LookupAsync(FileIdentity.Root, _directory, Name("sub"), default))
        {
        }

        Assert.Equal(FsStatus.Ok, await RemoveAsync("sub", isDirectory: true));
        Assert.Equal(0u, (await AttributesAsync(_one, inode)).Links);
        Assert.Equal(["first"], await NamesAsync(_two));
        Assert.Equal(0u, (await AttributesAsync(_one, inode)).Links);
        using var refused = await _one.MakeAsync(
            FileIdentity.Root, inode, Name("y"), New(FileKind.File), default);
        Assert.Equal(FsStatus.NotFound, refused.Status);
    }

    /// <summary>A session that has only begun has no lease yet: asked until it has.</summary>
    private async Task UntilHereAsync()
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60);)
        {
            await WriteAsync("first", "first");
            if (!_one.Journal.IsSent(_one.NodeOf(_directory).ChangedAt))
            {
                return;
            }

            Assert.Equal(FsStatus.Ok, await RemoveAsync("first", isDirectory: false));
        }

        throw new TimeoutException("Nothing is changed here.");
    }

    private Task<VfsMount> ConnectAsync(TimeSpan gathering) => VfsMount.ConnectAsync(
        new DistFsClientOptions
        {
            Metaservers = _cluster!.Metaservers.Addresses,
            SessionLease = TimeSpan.FromSeconds(10),
        },
        new VfsOptions { Gathering = gathering, InodesAtOnce = 64, Failed = _failures.Enqueue },
        new RecordingKernel());

    private static byte[] Name(string name) => Encoding.UTF8.GetBytes(name);

    private static NewNode New(FileKind kind) => new() { Kind = kind, Mode = Mode };

    private async Task<VfsEntry> MakeAsync(InodeId directory, string name, FileKind kind)
    {
        var made = await _one.MakeAsync(FileIdentity.Root, directory, Name(name), New(kind), default);
        Assert.Equal(FsStatus.Ok, made.Status);
        return made;
    }

    private async Task<(InodeId Inode, ulong Handle)> CreateAsync(string name)
    {
        var (entry, opened) = await _one.CreateAsync(
            FileIdentity.Root,
            _directory,
            Name(name),
            New(FileKind.File),
            new VfsOpenMode(true, true, false, false, false),
            default);
        using (entry)
        {
            Assert.Equal((FsStatus.Ok, FsStatus.Ok), (entry.Status, opened.Status));
            return (entry.Attributes!.Inode, opened.Handle);
        }
    }

    private async Task<InodeId> WriteAsync(string name, string text)
    {
        var (inode, handle) = await CreateAsync(name);
        var (status, _, _) = await _one.PutAsync(handle, 0, Name(text));
        Assert.Equal(FsStatus.Ok, status);
        await _one.ReleaseAsync(handle);
        return inode;
    }

    private ValueTask<FsStatus> RenameAsync(string from, string to) => _one.RenameAsync(
        FileIdentity.Root, (_directory, Name(from)), (_directory, Name(to)), RenameMode.Replace, default);

    private ValueTask<FsStatus> RemoveAsync(string name, bool isDirectory) => isDirectory
        ? _one.RemoveDirectoryAsync(FileIdentity.Root, _directory, Name(name), default)
        : _one.UnlinkAsync(FileIdentity.Root, _directory, Name(name), default);

    private async Task<FileStatus> LookupAsync(VfsMount mount, string name)
    {
        using var entry = await mount.LookupAsync(FileIdentity.Root, _directory, Name(name), default);
        Assert.Equal(FsStatus.Ok, entry.Status);
        return entry.Attributes!;
    }

    private static async Task<FileStatus> AttributesAsync(VfsMount mount, InodeId inode)
    {
        using var entry = await mount.StatAsync(inode, default);
        Assert.Equal(FsStatus.Ok, entry.Status);
        return entry.Attributes!;
    }

    private async Task<List<string>> NamesAsync(VfsMount mount)
    {
        var opened = mount.OpenDirectory(FileIdentity.Root, _directory);
        List<string> names = [];
        for (var after = 0UL; ;)
        {
            var (status, page) = await mount.ReadDirectoryAsync(opened.Handle, after, 100, false, default);
            Assert.Equal(FsStatus.Ok, status);
            if (page.Count == 0)
            {
                mount.ReleaseDirectory(opened.Handle);
                names.Sort(StringComparer.Ordinal);
                return names;
            }

            after = page[^1].Cookie;
            names.AddRange(page.Select(one => Encoding.UTF8.GetString(one.Name.Span)).Where(one => one[0] != '.'));
        }
    }

    private static async Task<string> ReadAsync(VfsMount mount, InodeId inode)
    {
        var opened = await mount.OpenAsync(
            FileIdentity.Root, inode, new VfsOpenMode(true, false, false, false, false), default);
        Assert.Equal(FsStatus.Ok, opened.Status);
        var buffer = new byte[10_000];
        var (status, length, use) = await mount.ReadAsync(opened.Handle, 0, buffer, false, default);
        use.Dispose();
        Assert.Equal(FsStatus.Ok, status);
        await mount.ReleaseAsync(opened.Handle);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
