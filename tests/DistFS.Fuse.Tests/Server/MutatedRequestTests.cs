using FsCheck;
using FsCheck.Fluent;

namespace DistFS.Fuse.Tests.Server;

/// <summary>
/// Random and mutated requests never crash, hang or allocate beyond their buffer: each that has a header is answered,
/// by an error or otherwise, and the next sound request is served.
/// </summary>
public sealed class MutatedRequestTests
{
    private const int Rounds = 20_000;

    [Fact]
    public async Task Mutated_requests_are_answered()
    {
        await using var world = await World.StartAsync(
            o => o with { Readers = 1, Features = FuseFeatures.ReadDirPlus });
        world.Files.OnReadDir = (_, reply) =>
        {
            while (reply.IsPlus ? reply.TryAdd(default, 1, "name"u8) : reply.TryAdd(1, 1, 0, "name"u8))
            {
            }

            reply.Ok();
        };
        world.Files.OnRead = (read, reply) => reply.Ok(new byte[Math.Min(read.Size, 100)]);
        world.Files.OnGetAttr = reply => reply.Ok(default);
        world.Files.OnLookup = (name, reply) =>
        {
            reply.Ok(new FuseEntryOut { NodeId = reply.Request.SupplementaryGroup ?? 0 });
        };
        var random = new Random(4711);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < Rounds; i++)
        {
            var request = Mutate(random, Sound(world.Kernel, random));
            var row = request.Length >= 40 ? OpcodeTable.Find((Opcode)BitConverter.ToUInt32(request, 4)) : null;
            if (request.Length >= 40 && row is not { HasReply: false })
            {
                var unique = BitConverter.ToUInt64(request, 8);
                var reply = await world.Kernel.Ask(request);
                Assert.Equal(unique, reply.Unique);
            }
            else
            {
                world.Kernel.Post(request);
            }
        }

        await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16]);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated - world.Kernel.OwnAllocations;

        // What the test itself makes for each, tasks and arrays, and exceptions of handlers; two buffers of the pool.
        Assert.True(allocated / Rounds < 4 << 10, $"{allocated / Rounds} bytes per request");
        Assert.False(world.Server.Completion.IsCompleted);
        Assert.Equal(0, world.Server.InFlight);
    }

    [Fact]
    public async Task Any_bytes_are_survived()
    {
        await using var world = await World.StartAsync(o => o with { Readers = 1, Features = FuseFeatures.None });
        Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(),
            bytes =>
            {
                world.Kernel.Post(bytes);
                return !world.Server.Completion.IsCompleted;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
        Assert.Equal(Errno.ESTALE, (await world.Kernel.Ask(Opcode.GetAttr, 1, new byte[16])).Error);
    }

    private static byte[] Sound(MemoryKernel kernel, Random random)
    {
        var row = OpcodeTable.Rows[random.Next(OpcodeTable.Rows.Count)];
        var tail = new byte[random.Next(0, 60)];
        random.NextBytes(tail);
        for (var i = 0; i < row.Names && tail.Length > 0; i++)
        {
            tail[random.Next(tail.Length)] = 0;
        }

        var body = new byte[row.FixedBytes + tail.Length];
        random.NextBytes(body.AsSpan(0, row.FixedBytes));
        if (row.Opcode is Opcode.Write && random.Next(2) == 0)
        {
            BitConverter.TryWriteBytes(body.AsSpan(16), tail.Length);
        }

        tail.CopyTo(body.AsSpan(row.FixedBytes));
        return kernel.Build(row.Opcode, (ulong)random.Next(), body, extensions: (ushort)(random.Next(8) == 0 ? 2 : 0));
    }

    private static byte[] Mutate(Random random, byte[] request)
    {
        switch (random.Next(6))
        {
            case 0:
                var cut = request[..random.Next(request.Length)];
                if (cut.Length >= 4 && random.Next(2) == 0)
                {
                    BitConverter.TryWriteBytes(cut, cut.Length);
                }

                return cut;
            case 1:
                // Not the unique, by which the answer is known.
                var at = random.Next(request.Length - 8);
                request[at < 8 ? at : at + 8] ^= (byte)(1 << random.Next(8));
                return request;
            case 2:
                BitConverter.TryWriteBytes(request.AsSpan(36), (ushort)random.Next(ushort.MaxValue));
                return request;
            case 3:
                BitConverter.TryWriteBytes(request, random.Next() * 2);
                return request;
            default:
                return request;
        }
    }
}
