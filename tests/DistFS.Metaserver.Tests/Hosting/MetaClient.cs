using System.Buffers.Binary;
using System.Text;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using DistFS.Rpc.Frames;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>A client with one request at a time: finds the leader, and repeats what has no answer.</summary>
internal sealed class MetaClient(ulong nonce, params IReadOnlyList<RpcAddress> addresses) : IAsyncDisposable
{
    // Of replies after which a client asks again.
    private static readonly int[] Again = [ErrorCatalog.NotLeader.Number, ErrorCatalog.ClusterStarting.Number];

    private readonly FrameChannel[] _channels = [.. addresses.Select(address => new FrameChannel(address))];
    private int _at;
    private ulong _sequence;

    public static Caller Root => new();

    /// <summary>Its session; 0 before it is open.</summary>
    public ulong Session { get; private set; }

    public async Task<MetadataReply> OpenSessionAsync(ulong leaseMs = 60_000, bool leases = false)
    {
        var reply = await CallAsync(
            MetadataMethods.OpenSession,
            new OpenSessionCall { Nonce = nonce, LeaseMs = leaseMs, Leases = leases },
            reply => reply.Code);
        Session = reply.OpenSession?.Client ?? 0;
        return reply;
    }

    public Task<MetadataReply> KeepAliveAsync() =>
        CallAsync(MetadataMethods.KeepAlive, new KeepAliveCall { Client = Session }, reply => reply.Code);

    public async Task<OperationReply[]> MutateAsync(params IEnumerable<Operation> operations)
    {
        var request = new MutateRequest { Operations = { operations } };
        var reply = await CallAsync(
            MetadataMethods.Mutate,
            new MutateCall
            {
                Client = Session,
                Sequence = ++_sequence,
                Acknowledged = _sequence - 1,
                Request = request.ToByteString(),
            },
            reply => reply.Code);
        Assert.Equal(0, reply.Status);
        return [.. reply.Mutate.Replies];
    }

    public async Task<FsStatus> MakeAsync(string name, uint kind = 8, ulong parent = 1) => (FsStatus)Assert.Single(
        await MutateAsync(new Operation
        {
            Caller = Root,
            Make = new MakeRequest
            {
                Parent = parent,
                Name = ByteString.CopyFromUtf8(name),
                Kind = kind,
                Mode = 0b110_100_100,
            },
        })).Status;

    public async Task<ReadOperationReply[]> ReadAsync(params IEnumerable<ReadOperation> operations)
    {
        var reply = await CallAsync(
            MetadataMethods.Read,
            new ReadRequest { Caller = Root, Operations = { operations }, Client = Session },
            reply => reply.Code);
        return [.. reply.Replies];
    }

    public async Task<FsStatus> LookupAsync(string name) => (FsStatus)Assert.Single(await ReadAsync(new ReadOperation
    {
        Lookup = new LookupRequest { Parent = 1, Name = ByteString.CopyFromUtf8(name) },
    })).Status;

    /// <summary>All names of the root, '.' and '..' left out, page by page.</summary>
    public async Task<List<string>> ListAsync(uint entriesMax = 100, bool withAttributes = true)
    {
        var names = new List<string>();
        for (ulong after = 0; ;)
        {
            var isEnd = false;
            await CallAsync(
                MetadataMethods.ReadDirectory,
                new ReadDirectoryRequest
                {
                    Caller = Root,
                    Directory = 1,
                    After = after,
                    EntriesMax = entriesMax,
                    BytesMax = 1 << 20,
                    WithAttributes = withAttributes,
                },
                reply => reply.Code,
                (reply, payload) =>
                {
                    Assert.Equal(0, reply.Status);
                    isEnd = reply.IsEnd;
                    after = Parse(payload.Span, reply.Entries, names, after);
                });
            if (isEnd)
            {
                names.RemoveAll(name => name is "." or "..");
                return names;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
        {
            await channel.DisposeAsync();
        }
    }

    private static ulong Parse(ReadOnlySpan<byte> page, uint entries, List<string> names, ulong after)
    {
        for (; entries > 0; entries--)
        {
            after = BinaryPrimitives.ReadUInt64LittleEndian(page);
            var nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(page[18..]);
            var start = 20 + (page[17] == 0 ? 0 : 88);
            names.Add(Encoding.UTF8.GetString(page.Slice(start, nameBytes)));
            page = page[(start + nameBytes)..];
        }

        Assert.Equal(0, page.Length);
        return after;
    }

    public async Task<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        Func<TReply, int> code,
        Action<TReply, ReadOnlyMemory<byte>>? take = null)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var until = Environment.TickCount64 + (long)Consensus.Eventually.Limit.TotalMilliseconds;
        string last = "nothing";
        while (Environment.TickCount64 < until)
        {
            try
            {
                using var reply = await _channels[_at].CallAsync(
                    method, request, new CallOptions(TimeSpan.FromSeconds(5), default));
                if (!Again.Contains(code(reply.Message)))
                {
                    take?.Invoke(reply.Message, reply.Payload.Memory);
                    return reply.Message;
                }

                last = $"{reply.Message}";
            }
            catch (RpcException e)
            {
                last = e.Message;
            }

            _at = (_at + 1) % _channels.Length;
            await timer.WaitForNextTickAsync();
        }

        throw new TimeoutException($"{method}: {last}");
    }
}
