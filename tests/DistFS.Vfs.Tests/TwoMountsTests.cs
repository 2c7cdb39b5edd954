using System.Diagnostics;
using System.Text;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Native;
using DistFS.TestCluster;

namespace DistFS.Vfs.Tests;

/// <summary>
/// Two mounts of one cluster, real processes, with kernels that only remember: each sees at once what the other did,
/// though both cache.
/// </summary>
public sealed partial class TwoMountsTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-vfs").FullName;
    private static readonly FileIdentity Somebody = new(1000, 1000, []);

    private readonly RecordingKernel _kernel = new();
    private ClusterProcesses _cluster = null!;
    private VfsMount _one = null!;
    private VfsMount _two = null!;

    public async Task InitializeAsync()
    {
        _cluster = await ClusterProcesses.StartAsync(Path.Combine(_folder, "cluster"), servers: 3);
        _one = await ConnectAsync(_kernel);
        _two = await ConnectAsync(new RecordingKernel());
    }

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_one_changes_the_other_sees()
    {
        // A name that one has looked up in vain is made by the other.
        await UntilToldAsync(_one, "f");
        var made = await CreateAsync(_two, "f");
        Assert.Contains(_kernel.Forgotten, what => what == $"names {InodeId.Root.Value}: f");
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "f"));

        // What was written and not sent is sent when the other looks.
        Assert.Equal((FsStatus.Ok, true, 0L), await _two.PutAsync(made.Handle, 0, "hello"u8.ToArray()));
        Assert.Equal(5, (await AttributesAsync(_one, made.Inode)).Size);
        Assert.Equal("hello", await ReadAsync(_one, made.Inode));

        // And back.
        var opened = await OpenAsync(_one, made.Inode, writes: true);
        await _one.PutAsync(opened, 5, ", world"u8.ToArray());
        Assert.Equal("hello, world", await ReadAsync(_two, made.Inode));

        // Times are told once and stay.
        var before = await AttributesAsync(_one, made.Inode);
        await _one.ReleaseAsync(opened);
        await _two.ReleaseAsync(made.Handle);
        var after = await AttributesAsync(_two, made.Inode);
        Assert.Equal((before.ModifyTime, before.ChangeTime), (after.ModifyTime, after.ChangeTime));

        // Names that go and move.
        Assert.Equal(
            FsStatus.Ok,
            await _two.RenameAsync(
                FileIdentity.Root, (InodeId.Root, Name("f")), (InodeId.Root, Name("g")), RenameMode.Replace, default));
        Assert.Equal(FsStatus.NotFound, await StatusAsync(_one, "f"));
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "g"));
        Assert.Equal(FsStatus.Ok, await _one.UnlinkAsync(FileIdentity.Root, InodeId.Root, Name("g"), default));
        Assert.Equal(FsStatus.NotFound, await StatusAsync(_two, "g"));
    }

    /// <summary>POSIX, unlink: what is open stays until it is closed, whoever takes its name away.</summary>
    [Fact]
    public async Task A_file_that_is_open_here_stays_when_the_other_unlinks_it()
    {
        var made = await CreateAsync(_one, "open");
        await _one.PutAsync(made.Handle, 0, "still here"u8.ToArray());
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "open"));
        Assert.Equal(FsStatus.Ok, await _two.UnlinkAsync(FileIdentity.Root, InodeId.Root, Name("open"), default));
        Assert.Equal(FsStatus.NotFound, await StatusAsync(_one, "open"));
        Assert.Equal("still here", await ReadAsync(_one, made.Handle));
        await _one.ReleaseAsync(made.Handle);
    }

    /// <summary>POSIX, write: O_APPEND goes to the end as it is, whoever moved it.</summary>
    [Fact]
    public async Task Both_append_and_nothing_is_written_over()
    {
        var made = await CreateAsync(_one, "log");
        await _one.ReleaseAsync(made.Handle);
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "log"));
        var first = await OpenAsync(_one, made.Inode, writes: true, appends: true);
        var second = await OpenAsync(_two, made.Inode, writes: true, appends: true);
        await Task.WhenAll(AppendAsync(_one, first, 'a'), AppendAsync(_two, second, 'b'));
        await _one.ReleaseAsync(first);
        await _two.ReleaseAsync(second);
        var text = await ReadAsync(_one, made.Inode);
        Assert.Equal(40, text.Length);
        Assert.Equal((20, 20), (text.Count(static c => c == 'a'), text.Count(static c => c == 'b')));
    }

    /// <summary>POSIX, open: O_CREAT gives nobody a right to what was there. The kernel does not look again.</summary>
    [Fact]
    public async Task A_file_that_is_there_is_created_by_those_who_may_open_it()
    {
        var made = await CreateAsync(_one, "theirs");
        await _one.ReleaseAsync(made.Handle);
        Assert.Equal(FsStatus.AccessDenied, await TryAsync(new VfsOpenMode(true, true, false, false, false)));
        Assert.Equal(FsStatus.AccessDenied, await TryAsync(new VfsOpenMode(false, true, true, false, false)));
        Assert.Equal(FsStatus.AccessDenied, await TryAsync(new VfsOpenMode(true, false, false, true, false)));
        Assert.Equal(FsStatus.Ok, await TryAsync(new VfsOpenMode(true, false, false, false, false)));

        async Task<FsStatus> TryAsync(VfsOpenMode mode)
        {
            var (entry, opened) = await _two.CreateAsync(
                Somebody,
                InodeId.Root,
                Name("theirs"),
                new NewNode { Kind = FileKind.File, Mode = 0b110_110_110, OrExisting = true },
                mode,
                default);
            using (entry)
            {
                if (entry.Status == FsStatus.Ok)
                {
                    Assert.Equal(made.Inode, entry.Attributes!.Inode);
                    await _two.ReleaseAsync(opened.Handle);
                }

                return entry.Status;
            }
        }
    }

    /// <summary>POSIX, chmod and chown: who owns it. A kernel that has looked may have looked at what was.</summary>
    [Fact]
    public async Task Attributes_are_the_owners_and_set_ID_bits_go_with_a_write_of_another()
    {
        const uint Program = 0b100_111_101_101;
        const uint Plain = 0b111_101_101;
        var made = await CreateAsync(_one, "program");
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "program"));
        foreach (var mount in (VfsMount[])[_one, _two, _one])
        {
            Assert.Equal(FsStatus.Ok, await SetAsync(mount, FileIdentity.Root, new AttributeChange { Mode = Program }));
            Assert.Equal(FsStatus.NotPermitted, await SetAsync(mount, Somebody, new AttributeChange { Mode = 1 }));
            Assert.Equal(FsStatus.NotPermitted, await SetAsync(mount, Somebody, new AttributeChange { Uid = 1000 }));
            Assert.Equal(
                FsStatus.NotPermitted,
                await SetAsync(mount, Somebody, new AttributeChange { ModifyTime = new FileTime(1, 0) }));
            Assert.Equal(Program, (await AttributesAsync(mount, made.Inode)).Mode);

            // Which the kernel asks for in the name of whoever writes the file.
            Assert.Equal(FsStatus.Ok, await SetAsync(mount, Somebody, new AttributeChange { Mode = Plain }));
            Assert.Equal(Plain, (await AttributesAsync(mount, made.Inode)).Mode);
        }

        Assert.Equal(FsStatus.Ok, await SetAsync(_one, FileIdentity.Root, new AttributeChange { Mode = Program }));
        var (status, _, _) = await _one.PutAsync(made.Handle, 0, new byte[1], new VfsWrite(true, true));
        Assert.Equal((FsStatus.Ok, Plain), (status, (await AttributesAsync(_two, made.Inode)).Mode));

        Assert.Equal(FsStatus.Ok, await SetAsync(_one, FileIdentity.Root, new AttributeChange { Uid = 1000 }));
        Assert.Equal(FsStatus.Ok, await SetAsync(_one, Somebody, new AttributeChange { Mode = 0b110_000_000 }));
        Assert.Equal(FsStatus.Ok, await SetAsync(_two, Somebody, new AttributeChange { Mode = 0b111_000_000 }));
        await _one.ReleaseAsync(made.Handle);

        async Task<FsStatus> SetAsync(VfsMount mount, FileIdentity caller, AttributeChange change)
        {
            using var set = await mount.SetAttributesAsync(
                caller, made.Inode, new VfsChange(change, null), default);
            return set.Status;
        }
    }

    /// <summary>fcntl, F_SETFL: whether a write appends is known by the write, and not by the open.</summary>
    [Fact]
    public async Task An_append_tells_where_it_stands()
    {
        var made = await CreateAsync(_one, "appended");
        Assert.Equal(FsStatus.Ok, await StatusAsync(_two, "appended"));
        var other = await OpenAsync(_two, made.Inode, writes: true, appends: true);
        var appends = new VfsWrite(true, false);
        Assert.Equal(0, (await _one.PutAsync(made.Handle, 0, "aa"u8.ToArray(), appends)).At);
        Assert.Equal(2, (await _two.PutAsync(other, 0, "bbb"u8.ToArray(), appends)).At);

        // Its kernel does not know of the other three.
        Assert.Equal(5, (await _one.PutAsync(made.Handle, 2, "a"u8.ToArray(), appends)).At);
        Assert.Equal(1, (await _two.PutAsync(other, 1, "B"u8.ToArray())).At);
        Assert.Equal("aBbbba", await ReadAsync(_one, made.Inode));
        await _one.ReleaseAsync(made.Handle);
        await _two.ReleaseAsync(other);
    }

    /// <summary>
    /// Whoever reads one short file of a directory after the other has the next ones already: nobody need be asked for
    /// them. Until somebody changes one.
    /// </summary>
    [Fact]
    public async Task Contents_of_short_files_are_here_before_they_are_read_and_until_they_change()
    {
        const int Files = 24;
        const int Asked = 11;
        var inodes = new InodeId[Files];
        for (var i = 0; i < Files; i++)
        {
            var made = await CreateAsync(_one, $"short{i}");
            await _one.PutAsync(made.Handle, 0, Encoding.UTF8.GetBytes($"content {i}"));
            await _one.ReleaseAsync(made.Handle);
            inodes[i] = made.Inode;
        }

        await UntilToldAsync(_two, "none");
        for (var i = 0; i < Files; i++)
        {
            Assert.Equal(FsStatus.Ok, await StatusAsync(_two, $"short{i}"));
        }

        for (var i = 0; i < Asked; i++)
        {
            Assert.Equal($"content {i}", await ReadAsync(_two, inodes[i]));
        }

        // What was written here and what was fetched, while nobody answers.
        SignalAll(ProcessSignal.Stop);
        try
        {
            for (var i = Asked; i < Files; i++)
            {
                Assert.Equal($"content {i}", await ReadAsync(_two, inodes[i]).WaitAsync(TimeSpan.FromSeconds(3)));
            }
        }
        finally
        {
            SignalAll(ProcessSignal.Continue);
        }

        var opened = await OpenAsync(_one, inodes[9], writes: true);
        await _one.PutAsync(opened, 0, "C"u8.ToArray());
        Assert.Equal("Content 9", await ReadAsync(_two, inodes[9]));
        Assert.Equal("Content 9", await ReadAsync(_one, inodes[9]));
        using (var cut = await _two.SetAttributesAsync(
            FileIdentity.Root, inodes[10], new VfsChange(null, 7), default))
        {
            Assert.Equal(FsStatus.Ok, cut.Status);
        }

        Assert.Equal("content", await ReadAsync(_two, inodes[10]));
        Assert.Equal("content", await ReadAsync(_one, inodes[10]));
        await _one.ReleaseAsync(opened);

        void SignalAll(ProcessSignal signal)
        {
            for (var i = 0; i < _cluster.Metaservers.Count; i++)
            {
                _cluster.Metaservers.Signal(i, signal);
            }
        }
    }

    private static async Task AppendAsync(VfsMount mount, ulong handle, char letter)
    {
        for (var i = 0; i < 20; i++)
        {
            var (status, _, _) = await mount.PutAsync(
                handle, 0, new[] { (byte)letter }, new VfsWrite(true, false));
            Assert.Equal(FsStatus.Ok, status);
        }
    }

    private Task<VfsMount> ConnectAsync(RecordingKernel kernel) => VfsMount.ConnectAsync(
        new DistFsClientOptions
        {
            Metaservers = _cluster.Metaservers.Addresses,
            SessionLease = TimeSpan.FromSeconds(10),
        },
        new VfsOptions(),
        kernel);

    private static byte[] Name(string name) => Encoding.UTF8.GetBytes(name);

    /// <summary>
    /// A leader that has only begun waits for what clients reclaim before it grants anything: asked until it does.
    /// </summary>
    private static async Task UntilToldAsync(VfsMount mount, string name)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30);)
        {
            using var entry = await mount.LookupAsync(FileIdentity.Root, InodeId.Root, Name(name), default);
            Assert.Equal(FsStatus.NotFound, entry.Status);
            if (entry.NameValid > TimeSpan.Zero)
            {
                return;
            }
        }

        throw new TimeoutException("No lease was granted.");
    }

    private static async Task<FsStatus> StatusAsync(VfsMount mount, string name)
    {
        using var entry = await mount.LookupAsync(FileIdentity.Root, InodeId.Root, Name(name), default);
        return entry.Status;
    }

    private static async Task<FileStatus> AttributesAsync(VfsMount mount, InodeId inode)
    {
        using var entry = await mount.StatAsync(inode, default);
        Assert.Equal(FsStatus.Ok, entry.Status);
        return entry.Attributes!;
    }

    private static async Task<(InodeId Inode, ulong Handle)> CreateAsync(VfsMount mount, string name)
    {
        var (entry, opened) = await mount.CreateAsync(
            FileIdentity.Root,
            InodeId.Root,
            Name(name),
            new NewNode { Kind = FileKind.File, Mode = 0b110_100_100 },
            new VfsOpenMode(true, true, false, false, false),
            default);
        using (entry)
        {
            Assert.Equal((FsStatus.Ok, FsStatus.Ok), (entry.Status, opened.Status));
            return (entry.Attributes!.Inode, opened.Handle);
        }
    }

    private static async Task<ulong> OpenAsync(
        VfsMount mount, InodeId inode, bool writes = false, bool appends = false)
    {
        var opened = await mount.OpenAsync(
            FileIdentity.Root, inode, new VfsOpenMode(true, writes, appends, false, false), default);
        Assert.Equal(FsStatus.Ok, opened.Status);
        return opened.Handle;
    }

    private static async Task<string> ReadAsync(VfsMount mount, InodeId inode)
    {
        var handle = await OpenAsync(mount, inode);
        var text = await ReadAsync(mount, handle);
        await mount.ReleaseAsync(handle);
        return text;
    }

    private static async Task<string> ReadAsync(VfsMount mount, ulong handle)
    {
        var buffer = new byte[100];
        var (status, length, use) = await mount.ReadAsync(handle, 0, buffer, false, default);
        use.Dispose();
        Assert.Equal(FsStatus.Ok, status);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
