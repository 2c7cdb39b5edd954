namespace DistFS.Fuse.Tests.Server;

/// <summary>Interrupts in every order, the budget they must get past, and the end.</summary>
public sealed class InterruptTests
{
    [Fact]
    public async Task An_interrupt_cancels_and_the_request_is_answered_once()
    {
        await using var world = await World.StartAsync();
        var held = Hold(world);
        var request = world.Kernel.Build(Opcode.GetAttr, 1, new byte[16]);
        var asked = world.Kernel.Ask(request);
        var reply = await held.WaitAsync(MemoryKernel.Limit);
        var cancelled = new TaskCompletionSource();
        await using var registration = reply.Request.Interrupted.Register(() => cancelled.SetResult());
        world.Kernel.Interrupt(reply.Request.Unique);
        await cancelled.Task.WaitAsync(MemoryKernel.Limit);
        Assert.True(reply.Fail(Errno.EINTR));
        Assert.Equal(Errno.EINTR, (await asked).Error);
    }

    [Fact]
    public async Task An_interrupt_that_is_read_before_its_request_is_not_lost()
    {
        await using var world = await World.StartAsync(o => o with { Readers = 1 });
        var held = Hold(world);
        var request = world.Kernel.Build(Opcode.GetAttr, 1, new byte[16], unique: 7000);
        for (var stale = 1UL; stale < 1000; stale++)
        {
            world.Kernel.Interrupt(stale * 2);
        }

        world.Kernel.Interrupt(7000);
        var asked = world.Kernel.Ask(request);
        var reply = await held.WaitAsync(MemoryKernel.Limit);
        Assert.True(reply.Request.Interrupted.IsCancellationRequested);
        reply.Fail(Errno.EINTR);
        await asked;
    }

    [Fact]
    public async Task An_interrupt_after_the_answer_does_nothing()
    {
        await using var world = await World.StartAsync(o => o with { Readers = 1 });
        await world.Kernel.Ask(world.Kernel.Build(Opcode.GetAttr, 1, new byte[16], unique: 100));
        world.Kernel.Interrupt(100);
        var held = Hold(world);
        var asked = world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        var reply = await held.WaitAsync(MemoryKernel.Limit);
        Assert.False(reply.Request.Interrupted.IsCancellationRequested);
        reply.Fail(Errno.EPERM);
        await asked;
    }

    [Fact]
    public async Task Only_a_deferred_request_has_a_token()
    {
        await using var world = await World.StartAsync();
        world.Files.OnGetAttr = reply =>
        {
            Assert.Throws<InvalidOperationException>(() => reply.Request.Interrupted);
            reply.Fail(Errno.EPERM);
        };
        Assert.Equal(Errno.EPERM, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        Assert.Empty(world.Defects);
    }

    [Fact]
    public async Task A_full_budget_stops_requests_but_not_interrupts_forgets_and_answers()
    {
        await using var world = await World.StartAsync(o => o with
        {
            WriteBytesMax = 64 << 10,
            InFlightBytesMax = 256 << 10,
            OverloadPause = TimeSpan.FromSeconds(2),
        });
        var taken = new System.Collections.Concurrent.ConcurrentQueue<WriteReply>();
        world.Files.OnWrite = (_, reply) =>
        {
            reply.Request.Defer();
            taken.Enqueue(reply);
        };
        var body = MemoryKernel.Bytes(new FuseWriteIn { Size = 32 << 10 }, new byte[32 << 10]);
        var asked = Enumerable.Range(0, 40).Select(_ => world.Kernel.Ask(Opcode.Write, 1, body)).ToList();
        await Eventually.True(() => world.Server.InFlightBytes >= 256 << 10);

        // Four of 76 KiB reach the limit; each of the two readers may have been reading one more.
        var interrupted = new TaskCompletionSource();
        await Eventually.True(() => taken.Count >= 4);
        Assert.InRange(taken.Count, 4, 6);
        Assert.True(taken.TryPeek(out var first));
        first.Request.Interrupted.Register(() => interrupted.TrySetResult());
        world.Kernel.Interrupt(first.Request.Unique);
        await interrupted.Task.WaitAsync(MemoryKernel.Limit);
        Assert.InRange(taken.Count, 4, 8);
        var answered = 0;
        while (answered < 40)
        {
            await Eventually.True(() => !taken.IsEmpty);
            Assert.True(taken.TryDequeue(out var reply));
            Assert.True(reply.Ok(1));
            answered++;
        }

        await Task.WhenAll(asked);
    }

    [Fact]
    public async Task The_end_interrupts_waits_and_then_answers_in_the_place_of_handlers()
    {
        var world = await World.StartAsync(o => o with { DrainTimeout = TimeSpan.FromMilliseconds(100) });
        var held = Hold(world);
        var asked = world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        var reply = await held.WaitAsync(MemoryKernel.Limit);
        var token = reply.Request.Interrupted;
        await world.Server.StopAsync().WaitAsync(MemoryKernel.Limit);
        Assert.True(token.IsCancellationRequested);
        Assert.Equal(Errno.ECONNABORTED, (await asked).Error);
        Assert.Equal(1, world.Files.Destroyed);
        Assert.Contains("ended before", string.Concat(world.Defects), StringComparison.Ordinal);
        Assert.Equal(1, world.Kernel.OpenDevices);

        // Too late, but no second answer, and no error: nobody waits.
        Assert.False(reply.Fail(Errno.EPERM));
        await world.DisposeAsync();
    }

    [Theory]
    [InlineData(Errno.ENODEV, false)]
    [InlineData(Errno.ECONNABORTED, true)]
    [InlineData(Errno.EFAULT, true)]
    public async Task The_end_of_the_connection_is_told_to_the_owner(Errno error, bool isFailure)
    {
        var world = await World.StartAsync();
        var held = Hold(world);
        _ = world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        var reply = await held.WaitAsync(MemoryKernel.Limit);
        world.Kernel.End(error);
        await Eventually.True(() => reply.Request.Interrupted.IsCancellationRequested);
        reply.Fail(Errno.EINTR);
        var completion = world.Server.Completion.WaitAsync(MemoryKernel.Limit);
        if (isFailure)
        {
            Assert.Equal(error, (await Assert.ThrowsAsync<FuseException>(() => completion)).Error);
        }
        else
        {
            await completion;
        }

        // Else there is something left to be detached.
        Assert.Equal(!isFailure, world.Server.IsUnmounted);

        Assert.Equal(1, world.Files.Destroyed);
        await world.DisposeAsync();
    }

    [Theory]
    [InlineData(Errno.ENOENT)]
    [InlineData(Errno.EINTR)]
    [InlineData(Errno.EAGAIN)]
    public async Task Other_errors_of_a_read_are_read_again(Errno error)
    {
        var world = await World.StartAsync();
        world.Kernel.End(error);
        await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        Assert.False(world.Server.Completion.IsCompleted);
        await world.DisposeAsync();
    }

    private static Task<AttrReply> Hold(World world)
    {
        var held = new TaskCompletionSource<AttrReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Files.OnGetAttr = reply =>
        {
            reply.Request.Defer();
            held.TrySetResult(reply);
        };
        return held.Task;
    }
}
