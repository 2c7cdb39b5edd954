using System.Runtime.InteropServices;

namespace DistFS.Fuse.Tests.Server;

/// <summary>Answers: each once, inline or later, with the caller's memory, and what is a defect is noticed.</summary>
public sealed class AnswerTests
{
    [Fact]
    public async Task Inline_answers_of_each_kind()
    {
        await using var world = await World.StartAsync();
        world.Files.OnLookup = (name, reply) =>
        {
            Assert.Equal("x"u8.ToArray(), name.ToArray());
            Assert.Equal(new FuseCaller(1000, 100, 4242), reply.Request.Caller);
            reply.Ok(new FuseEntryOut { NodeId = 7 });
        };
        Assert.Equal(7UL, (await world.Kernel.Ask(Opcode.Lookup, 1, "x\0"u8)).As<FuseEntryOut>().NodeId);
        Assert.Equal(Errno.ESTALE, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        var read = await world.Kernel.Ask(Opcode.Read, 1, MemoryKernel.Bytes(new FuseReadIn { Size = 4096 }));
        Assert.Equal([1, 2, 3], read.Body);
        var write = MemoryKernel.Bytes(new FuseWriteIn { Size = 3 }, 9, 9, 9);
        Assert.Equal(3u, (await world.Kernel.Ask(Opcode.Write, 1, write)).As<FuseWriteOut>().Size);
        Assert.Empty(world.Defects);
    }

    [Fact]
    public async Task What_is_not_taken_up_is_answered_as_the_table_says()
    {
        await using var world = await World.StartAsync();
        Assert.Equal(Errno.ENOSYS, (await world.Kernel.Ask(Opcode.MkDir, 1, MemoryKernel.Bytes(0UL, 65, 0))).Error);
        Assert.Equal(Errno.ENOSYS, (await world.Kernel.Ask(Opcode.StatFs, 1, [])).Error);
        Assert.Equal(Errno.ENOSYS, (await world.Kernel.Ask(Opcode.Poll, 1, new byte[24])).Error);
        Assert.Equal(Errno.ENOTTY, (await world.Kernel.Ask(Opcode.Ioctl, 1, new byte[32])).Error);
        Assert.Equal(Errno.ENOSYS, (await world.Kernel.Ask((Opcode)7777, 1, [])).Error);
        Assert.Equal(Errno.None, (await world.Kernel.Ask(Opcode.Destroy, 0, [])).Error);
        Assert.Empty(world.Defects);
    }

    [Fact]
    public async Task A_deferred_answer_comes_from_any_thread_and_its_content_stays_until_then()
    {
        await using var world = await World.StartAsync();
        var held = new TaskCompletionSource<(ReadOnlyMemory<byte> Data, WriteReply Reply)>();
        world.Files.OnWrite = (data, reply) =>
        {
            reply.Request.Defer();
            held.TrySetResult((data, reply));
        };
        var content = new byte[100_000];
        Random.Shared.NextBytes(content);
        var asked = world.Kernel.Ask(
            Opcode.Write, 1, MemoryKernel.Bytes(new FuseWriteIn { Size = 100_000 }, content));
        var (kept, later) = await held.Task.WaitAsync(MemoryKernel.Limit);
        Assert.Equal(1, world.Server.InFlight);
        Assert.True(world.Server.InFlightBytes >= 1 << 20);

        // Others come and go through the readers' buffers meanwhile.
        world.Files.OnWrite = (d, r) => r.Ok((uint)d.Length);
        for (var i = 0; i < 20; i++)
        {
            await world.Kernel.Ask(
                Opcode.Write, 1, MemoryKernel.Bytes(new FuseWriteIn { Size = 50_000 }, new byte[50_000]));
        }

        Assert.Equal(content, kept.ToArray());
        Assert.True(later.Ok(100_000));
        Assert.Equal(100_000u, (await asked).As<FuseWriteOut>().Size);
        Assert.Throws<InvalidOperationException>(() => later.Ok(1));
        Assert.Throws<InvalidOperationException>(() => later.Request.Opcode);
    }

    [Fact]
    public async Task Two_answers_are_a_defect_that_throws_and_the_first_counts()
    {
        await using var world = await World.StartAsync();
        world.Files.OnGetAttr = reply =>
        {
            reply.Fail(Errno.EACCES);
            reply.Fail(Errno.EPERM);
        };
        Assert.Equal(Errno.EACCES, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        await Eventually.True(() => world.Defects.Count == 1);
        AttrReply stale = default;
        world.Files.OnGetAttr = reply =>
        {
            stale = reply;
            reply.Fail(Errno.EACCES);
        };
        await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        world.Files.OnGetAttr = reply =>
        {
            // The same memory, another lease: the late answer must not reach this request.
            Assert.Throws<InvalidOperationException>(() => stale.Fail(Errno.EPERM));
            reply.Fail(Errno.EROFS);
        };
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(Errno.EROFS, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        }

        Assert.Single(world.Defects);
    }

    [Fact]
    public async Task Of_two_threads_that_answer_one_wins()
    {
        await using var world = await World.StartAsync();
        for (var i = 0; i < 500; i++)
        {
            var refused = 0;
            using var both = new Barrier(2);
            void Answer(AttrReply reply, Errno error)
            {
                both.SignalAndWait(MemoryKernel.Limit);
                try
                {
                    reply.Fail(error);
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
            }

            var threads = new List<Task>();
            world.Files.OnGetAttr = reply =>
            {
                reply.Request.Defer();
                threads.Add(Task.Run(() => Answer(reply, Errno.EPERM)));
                threads.Add(Task.Run(() => Answer(reply, Errno.EACCES)));
            };
            await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
            await Eventually.True(() => threads.Count == 2);
            await Task.WhenAll(threads).WaitAsync(MemoryKernel.Limit);
            Assert.Equal(1, refused);
        }
    }

    [Fact]
    public async Task A_handler_that_throws_or_forgets_is_noticed_and_its_caller_gets_EIO()
    {
        await using var world = await World.StartAsync();
        world.Files.OnGetAttr = _ => throw new InvalidDataException("broken");
        Assert.Equal(Errno.EIO, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        world.Files.OnGetAttr = _ => { };
        Assert.Equal(Errno.EIO, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        world.Files.OnGetAttr = reply =>
        {
            reply.Request.Defer();
            throw new InvalidDataException("broken later");
        };
        Assert.Equal(Errno.EIO, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        await Eventually.True(() => world.Defects.Count == 3);
        Assert.Contains("neither answered nor deferred", string.Concat(world.Defects), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_thread_cannot_answer_what_was_not_deferred()
    {
        await using var world = await World.StartAsync();
        world.Files.OnGetAttr = reply =>
        {
            var other = new Thread(() => Assert.Throws<InvalidOperationException>(() => reply.Fail(Errno.EPERM)));
            other.Start();
            other.Join();
            reply.Fail(Errno.EROFS);
        };
        Assert.Equal(Errno.EROFS, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
        Assert.Empty(world.Defects);
    }

    [Fact]
    public async Task An_answer_that_is_dropped_is_told_when_it_is_old()
    {
        await using var world = await World.StartAsync(o => o with { SlowAfter = TimeSpan.FromMilliseconds(50) });
        AttrReply dropped = default;
        world.Files.OnGetAttr = reply =>
        {
            reply.Request.Defer();
            dropped = reply;
        };
        var asked = world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        await Eventually.True(() => !world.SlowOnes.IsEmpty);
        Assert.Equal(["GetAttr"], world.SlowOnes);
        dropped.Fail(Errno.EIO);
        await asked;
    }

    [Fact]
    public async Task Read_replies_of_several_segments_without_a_copy()
    {
        await using var world = await World.StartAsync();
        var pieces = Enumerable.Range(0, 256)
            .Select(i => (ReadOnlyMemory<byte>)Enumerable.Repeat((byte)i, 4096).ToArray())
            .ToArray();
        world.Files.OnRead = (_, reply) => Assert.True(reply.Ok(pieces));
        var body = MemoryKernel.Bytes(new FuseReadIn { Size = 1 << 20 });
        var read = await world.Kernel.Ask(Opcode.Read, 1, body);
        Assert.Equal(pieces.SelectMany(p => p.ToArray()), read.Body);

        world.Files.OnRead = (_, reply) =>
        {
            Assert.Throws<ArgumentException>(() => reply.Ok(new byte[(1 << 20) + 1]));
            Assert.Throws<ArgumentException>(() => reply.Ok(new ReadOnlyMemory<byte>[257]));
            unsafe
            {
                var native = (byte*)NativeMemory.Alloc(10);
                new Span<byte>(native, 10).Fill(5);
                reply.Ok([new IoVector((nuint)native, 4), new IoVector((nuint)native, 6)]);
                NativeMemory.Free(native);
            }
        };
        Assert.Equal(Enumerable.Repeat((byte)5, 10), (await world.Kernel.Ask(Opcode.Read, 1, body)).Body);
        Assert.Empty(world.Defects);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answers_allocate_nothing(bool isDeferred)
    {
        await using var world = await World.StartAsync(o => o with { Readers = 1 });

        // From one request to the next on the reader's thread: parse, dispatch, answer, recycle, without what the
        // stand-in for the kernel allocates there.
        var marks = new List<long>(1000);
        world.Files.OnGetAttr = reply =>
        {
            marks.Add(GC.GetAllocatedBytesForCurrentThread() - world.Kernel.OwnAllocations);
            if (isDeferred)
            {
                reply.Request.Defer();
            }

            reply.Fail(Errno.EACCES);
        };
        for (var i = 0; i < 500; i++)
        {
            await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        }

        // Tiered compilation may allocate a little in this thread; an object per request would show each time.
        Assert.InRange((marks[499] - marks[100]) / 400.0, 0, 1);
    }
}
