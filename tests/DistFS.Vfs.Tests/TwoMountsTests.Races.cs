using System.Diagnostics;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Native;

namespace DistFS.Vfs.Tests;

/// <content>What happens at the same moment, here and there.</content>
public sealed partial class TwoMountsTests
{
    /// <summary>
    /// POSIX, rename: the name is there throughout, of the old file or the new one. What was looked up may be gone when
    /// it is opened; then the kernel looks once more, and only once (open(2) in Linux: retry_estale).
    /// </summary>
    [Fact]
    public async Task A_name_whose_file_is_replaced_all_the_time_is_always_there()
    {
        await UntilToldAsync(_one, "none");
        await _one.ReleaseAsync((await CreateAsync(_one, "target")).Handle);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async racer =>
        {
            var mount = racer % 2 == 0 ? _one : _two;
            for (var round = 0; round < 60; round++)
            {
                await mount.ReleaseAsync((await CreateAsync(mount, $"own-{racer}")).Handle);
                Assert.Equal(FsStatus.Ok, await mount.RenameAsync(
                    FileIdentity.Root,
                    (InodeId.Root, Name($"own-{racer}")),
                    (InodeId.Root, Name("target")),
                    RenameMode.Replace,
                    default));
                var opened = await OpenTargetAsync(mount);
                opened = opened.Status == FsStatus.Stale ? await OpenTargetAsync(mount) : opened;
                Assert.Equal(FsStatus.Ok, opened.Status);
                await mount.ReleaseAsync(opened.Handle);
            }
        }));

        static async Task<VfsOpened> OpenTargetAsync(VfsMount mount)
        {
            using var entry = await mount.LookupAsync(FileIdentity.Root, InodeId.Root, Name("target"), default);
            return entry.Attributes is { } found
                ? await mount.OpenAsync(
                    FileIdentity.Root, found.Inode, new VfsOpenMode(true, false, false, false, false), default)
                : new VfsOpened(entry.Status, 0, false, false);
        }
    }

    /// <summary>The kernel tells of a close when the next open is under way already.</summary>
    [Fact]
    public async Task Opened_again_while_it_is_closed_it_is_read_all_the_same()
    {
        var content = new byte[100_000];
        var made = await CreateAsync(_two, "again");
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "again"));
        var opened = await OpenAsync(_one, made.Inode, writes: false);
        for (var round = 1; round <= 300; round++)
        {
            // The other one writes, so this one has to tell that it has the file open.
            Array.Fill(content, (byte)round);
            Assert.Equal((FsStatus.Ok, true, 0L), await _two.PutAsync(made.Handle, 0, content));
            await ReadBackAsync(_one, opened);
            var before = opened;
            var closing = Task.Run(() => _one.ReleaseAsync(before).AsTask());
            var opening = Task.Run(() => OpenAsync(_one, made.Inode, writes: false));
            opened = await opening;
            await ReadBackAsync(_one, opened);
            await closing;
            await ReadBackAsync(_one, opened);
        }

        await _one.ReleaseAsync(opened);
        await _two.ReleaseAsync(made.Handle);

        async Task ReadBackAsync(VfsMount mount, ulong handle)
        {
            // Whoever reads behind the end asks whether it is the end still.
            var back = new byte[content.Length + 1];
            var (status, count, use) = await mount.ReadAsync(handle, 0, back, false, default);
            use.Dispose();
            Assert.Equal((FsStatus.Ok, content.Length), (status, count));
            Assert.Equal(content, back[..count]);
        }
    }

    /// <summary>
    /// A kernel drops attributes that it asked for before it was told to forget: told late, it would believe the old
    /// end of a file that was cut meanwhile.
    /// </summary>
    [Fact]
    public async Task What_is_read_while_the_lease_goes_is_forgotten_before_the_other_goes_on()
    {
        var made = await CreateAsync(_two, "loose");
        await _two.PutAsync(made.Handle, 0, new byte[100_000]);
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "loose"));
        var opened = await OpenAsync(_one, made.Inode);
        var buffer = new byte[4_096];
        Assert.True(await ReadKeepsAsync());

        TaskCompletionSource goes = new(), all = new(), range = new();
        _kernel.Holding = (_, length) =>
        {
            goes.TrySetResult();
            return length == 0 ? all.Task : range.Task;
        };
        var cutting = CutAsync();
        await goes.Task;
        Assert.False(await ReadKeepsAsync());
        all.SetResult();
        await Assert.ThrowsAsync<TimeoutException>(() => cutting.WaitAsync(TimeSpan.FromMilliseconds(300)));

        range.SetResult();
        Assert.Equal(FsStatus.Ok, await cutting);
        Assert.True(await ReadKeepsAsync());

        async Task<bool> ReadKeepsAsync()
        {
            var (status, _, use) = await _one.ReadAsync(opened, 0, buffer, false, default);
            using (use)
            {
                Assert.Equal(FsStatus.Ok, status);
                return use.Keeps;
            }
        }

        async Task<FsStatus> CutAsync()
        {
            using var entry = await _two.SetAttributesAsync(
                FileIdentity.Root, made.Inode, new VfsChange(null, 10), default);
            return entry.Status;
        }
    }

    /// <summary>Nothing comes behind the answer of an append that is written past the kernel's pages.</summary>
    [Fact]
    public async Task What_is_appended_elsewhere_than_the_kernel_believes_is_forgotten_before_the_answer()
    {
        var made = await CreateAsync(_one, "behind");
        await _one.PutAsync(made.Handle, 0, "hello"u8.ToArray());
        var appending = await OpenAsync(_one, made.Inode, writes: true, appends: true);
        var (status, at, use) = await _one.WriteAsync(
            appending, 2, ", world"u8.ToArray(), new VfsWrite(true, false), default);
        Assert.Equal((FsStatus.Ok, 5L, true), (status, at, use.Keeps));
        Assert.Equal(2, _kernel.Forgotten.Count(what => what == $"content {made.Inode.Value}"));
        use.Dispose();
    }

    /// <summary>
    /// A kernel takes the first short answer for the end: one that is further behind must not be it
    /// (<see cref="ReadOrder"/>).
    /// </summary>
    [Theory]
    [InlineData(100_000, 110_000, false, 0, 4_096)]
    [InlineData(98_000, 110_000, false, 2_000, 4_096)]
    [InlineData(98_000, 110_000, true, 2_000, 0)]
    [InlineData(90_000, 110_000, false, 4_096, 0)]
    [InlineData(95_904, 100_000, false, 4_096, 0)]
    public async Task Of_two_reads_at_a_time_the_first_that_reaches_the_end_tells_it(
        long first, long second, bool isDirect, int firstLength, int secondLength)
    {
        var made = await CreateAsync(_two, "end");
        Assert.Equal(FsStatus.Ok, await StatusAsync(_one, "end"));
        var opened = await OpenAsync(_one, made.Inode);
        await _two.PutAsync(made.Handle, 0, Enumerable.Repeat((byte)7, 100_000).ToArray());

        // The other one has the lease: each has to ask for one first, so both are on their way.
        byte[] one = new byte[4_096], two = [.. Enumerable.Repeat((byte)1, 4_096)];
        var reading = _one.ReadAsync(opened, first, one, isDirect, default).AsTask();
        Assert.False(reading.IsCompleted);
        var (_, length, use) = await _one.ReadAsync(opened, second, two, isDirect, default);
        use.Dispose();
        var (_, before, useBefore) = await reading;
        useBefore.Dispose();
        Assert.Equal((firstLength, secondLength), (before, length));
        Assert.All(one[..before], static read => Assert.Equal(7, read));
        Assert.All(two[..length], static read => Assert.Equal(0, read));

        // Alone, it is.
        (_, length, use) = await _one.ReadAsync(opened, second, two, isDirect, default);
        use.Dispose();
        Assert.Equal(0, length);
    }

    /// <summary>A second server is asked long before the first one is given up (5 s).</summary>
    [Fact]
    public async Task A_server_that_stands_still_holds_up_no_reader()
    {
        const int Files = 9;
        var made = new (InodeId Inode, ulong Handle)[Files];
        var opened = new ulong[Files];
        for (var i = 0; i < Files; i++)
        {
            made[i] = await CreateAsync(_two, $"still{i}");
            await _two.PutAsync(made[i].Handle, 0, new byte[200_000]);
            Assert.Equal(FsStatus.Ok, await _two.SyncAsync(made[i].Handle, isDataOnly: false, default));
            Assert.Equal(FsStatus.Ok, await StatusAsync(_one, $"still{i}"));
            opened[i] = await OpenAsync(_one, made[i].Inode);
            await ReadSomeAsync(i);
        }

        var begun = Stopwatch.GetTimestamp();
        foreach (var still in _cluster.Servers)
        {
            still.Signal(ProcessSignal.Stop);
            try
            {
                for (var i = 0; i < Files; i++)
                {
                    await ReadSomeAsync(i);
                }
            }
            finally
            {
                still.Signal(ProcessSignal.Continue);
            }
        }

        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(4));

        async Task ReadSomeAsync(int i)
        {
            var (status, length, use) = await _one.ReadAsync(opened[i], 100_000, new byte[50_000], false, default);
            use.Dispose();
            Assert.Equal((FsStatus.Ok, 50_000), (status, length));
        }
    }
}
