namespace DistFS.Fuse.Tests.Server;

/// <summary>Notifications: their bytes, the bound, and that they hold up nobody.</summary>
public sealed class NotifierTests
{
    [Fact]
    public async Task Golden_bytes()
    {
        await using var world = await World.StartAsync();
        var notifier = world.Server.Notifier;
        Assert.Equal(Errno.None, await notifier.InvalidateInodeAsync(2, -1));
        Assert.Equal(Errno.None, await notifier.InvalidateEntryAsync(1, "ab"u8.ToArray(), EntryFlags.ExpireOnly));
        Assert.Equal(Errno.None, await notifier.DeleteAsync(1, 2, "c"u8.ToArray()));
        Assert.Equal(Errno.None, await notifier.StoreAsync(3, 4096, new byte[] { 9, 8 }));
        Assert.Equal(
            [
                (-2, "0200000000000000FFFFFFFFFFFFFFFF0000000000000000"),
                (-3, "01000000000000000200000001000000616200"),
                (-6, "0100000000000000020000000000000001000000000000006300"),
                (-4, "03000000000000000010000000000000020000000000000009" + "08"),
            ],
            world.Kernel.Notifications.Select(n => ((int)n.Error, Convert.ToHexString(n.Body))));
        Assert.Throws<ArgumentException>(() => notifier.TryInvalidateEntry(1, default));
    }

    [Fact]
    public async Task What_the_kernel_does_not_know_is_no_error()
    {
        await using var world = await World.StartAsync();
        world.Kernel.OnNotification = _ => Errno.ENOENT;
        Assert.Equal(Errno.None, await world.Server.Notifier.InvalidateInodeAsync(2));
        world.Kernel.OnNotification = _ => Errno.EINVAL;
        Assert.Equal(Errno.EINVAL, await world.Server.Notifier.InvalidateInodeAsync(2));
    }

    [Fact]
    public async Task One_that_waits_in_the_kernel_holds_up_no_request_and_the_queue_is_bounded()
    {
        await using var world = await World.StartAsync(o => o with { NotificationsMax = 2, ContentNotifiers = 1 });
        using var mayGo = new ManualResetEventSlim();
        using var isIn = new ManualResetEventSlim();
        world.Kernel.OnNotification = _ =>
        {
            isIn.Set();
            Assert.True(mayGo.Wait(MemoryKernel.Limit));
            return Errno.None;
        };
        var first = world.Server.Notifier.InvalidateInodeAsync(2).AsTask();
        Assert.True(isIn.Wait(MemoryKernel.Limit));
        Assert.True(world.Server.Notifier.TryInvalidateInode(3));
        Assert.True(world.Server.Notifier.TryInvalidateInode(4));
        Assert.False(world.Server.Notifier.TryInvalidateInode(5));
        var waits = world.Server.Notifier.InvalidateInodeAsync(6).AsTask();
        Assert.Equal(Errno.ESTALE, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        Assert.False(first.IsCompleted);
        mayGo.Set();
        Assert.Equal(Errno.None, await waits.WaitAsync(MemoryKernel.Limit));
        Assert.Equal(4, world.Kernel.Notifications.Count);
    }

    /// <summary>So it is with content whose pages somebody has locked; also when it is to be forgotten again.</summary>
    [Fact]
    public async Task One_that_waits_in_the_kernel_holds_up_those_of_its_node_only_and_these_stay_in_order()
    {
        await using var world = await World.StartAsync(o => o with { ContentNotifiers = 2 });
        using var mayGo = new ManualResetEventSlim();
        world.Kernel.OnNotification = said =>
            said.Body[0] != 2 || mayGo.Wait(MemoryKernel.Limit) ? Errno.None : Errno.EIO;
        var notifier = world.Server.Notifier;
        Task<Errno>[] stuck = [.. Enumerable.Range(0, 3).Select(i => notifier.InvalidateInodeAsync(2, i).AsTask())];
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Errno.None, await notifier.InvalidateInodeAsync(3).AsTask().WaitAsync(MemoryKernel.Limit));
        }

        Assert.Equal(Errno.None, await world.Server.AttributeNotifier.InvalidateInodeAsync(4, -1));
        Assert.All(stuck, static one => Assert.False(one.IsCompleted));
        Assert.Equal(2, notifier.Queued);
        mayGo.Set();
        Assert.All(
            await Task.WhenAll(stuck).WaitAsync(MemoryKernel.Limit), static one => Assert.Equal(Errno.None, one));
        Assert.Equal(
            [0, 1, 2],
            world.Kernel.Notifications.Where(static said => said.Body[0] == 2)
                .Select(static said => (int)said.Body[8]));
    }

    [Fact]
    public async Task At_the_end_those_that_wait_are_told()
    {
        var world = await World.StartAsync(o => o with { ContentNotifiers = 1 });
        using var mayGo = new ManualResetEventSlim();
        world.Kernel.OnNotification = _ =>
        {
            Assert.True(mayGo.Wait(MemoryKernel.Limit));
            return Errno.None;
        };
        var first = world.Server.Notifier.InvalidateInodeAsync(2).AsTask();
        var second = world.Server.Notifier.InvalidateInodeAsync(3).AsTask();
        await Eventually.True(() => world.Server.Notifier.Queued == 1);
        var stop = world.Server.StopAsync();
        Assert.Equal(Errno.ENODEV, await second.WaitAsync(MemoryKernel.Limit));

        // Requests are served as long as a notification may wait for their answers.
        Assert.Equal(Errno.ESTALE, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        mayGo.Set();
        await stop.WaitAsync(MemoryKernel.Limit);
        Assert.Equal(Errno.None, await first);
        Assert.Equal(Errno.ENODEV, await world.Server.Notifier.InvalidateInodeAsync(4));
        await world.DisposeAsync();
    }
}
