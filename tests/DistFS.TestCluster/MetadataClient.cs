using System.Diagnostics;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.TestCluster;

/// <summary>
/// A client with a session and one request at a time: it finds the leader, and repeats a request under its number
/// until it is answered, so that it is done once.
/// </summary>
/// <param name="nonce">Of the session; random, so that no run meets another one's.</param>
/// <param name="members">The ways to the members 1, 2, ...</param>
public sealed class MetadataClient(ulong nonce, IReadOnlyList<IRpcCaller> members)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private int _at;
    private ulong _session;
    private ulong _sequence;

    /// <summary>Of a new session that nobody has.</summary>
    public MetadataClient(IReadOnlyList<IRpcCaller> members)
        : this((ulong)Random.Shared.NextInt64(1, long.MaxValue), members)
    {
    }

    /// <summary>Requests that were sent more than once.</summary>
    public long Repeated { get; private set; }

    /// <summary>Begins the session.</summary>
    public async Task OpenSessionAsync(ulong leaseMs = 600_000)
    {
        var call = new OpenSessionCall { Nonce = nonce, LeaseMs = leaseMs };
        using var reply = await CallAsync(MetadataMethods.OpenSession, call, static reply => (reply.Code, reply.Leader))
            .ConfigureAwait(false);
        Ensure(reply.Message.Status, reply.Message.Code);
        _session = reply.Message.OpenSession.Client;
    }

    /// <summary>Does operations, once each.</summary>
    public async ValueTask<MutateReply> MutateAsync(MutateRequest request)
    {
        var call = new MutateCall
        {
            Client = _session,
            Sequence = ++_sequence,
            Acknowledged = _sequence - 1,
            Request = UnsafeByteOperations.UnsafeWrap(request.ToByteArray()),
        };
        using var reply = await CallAsync(MetadataMethods.Mutate, call, static reply => (reply.Code, reply.Leader))
            .ConfigureAwait(false);
        Ensure(reply.Message.Status, reply.Message.Code);
        return reply.Message.Mutate;
    }

    /// <summary>Does one operation, once.</summary>
    public async ValueTask<OperationReply> MutateAsync(Operation operation) =>
        (await MutateAsync(new MutateRequest { Operations = { operation } }).ConfigureAwait(false)).Replies[0];

    /// <summary>Reads.</summary>
    public async ValueTask<IReadOnlyList<ReadOperationReply>> ReadAsync(ReadRequest request)
    {
        using var reply = await CallAsync(MetadataMethods.Read, request, static reply => (reply.Code, reply.Leader))
            .ConfigureAwait(false);
        Ensure(reply.Message.Status, reply.Message.Code);
        return reply.Message.Replies;
    }

    /// <summary>Reads one thing, as root.</summary>
    public async ValueTask<ReadOperationReply> ReadAsync(ReadOperation operation) =>
        (await ReadAsync(new ReadRequest { Caller = Names.Root, Operations = { operation } }).ConfigureAwait(false))[0];

    /// <summary>A page of a directory; to be disposed of.</summary>
    public async ValueTask<RpcReply<ReadDirectoryReply>> ReadDirectoryAsync(ReadDirectoryRequest request)
    {
        var reply = await CallAsync(
            MetadataMethods.ReadDirectory, request, static reply => (reply.Code, reply.Leader)).ConfigureAwait(false);
        Ensure(reply.Message.Status, reply.Message.Code);
        return reply;
    }

    private static void Ensure(int status, int code)
    {
        if (status != 0)
        {
            throw new InvalidOperationException($"The request as a whole: {(FsStatus)status}, DFS{code:0000}.");
        }
    }

    private async ValueTask<RpcReply<TReply>> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method, TRequest request, Func<TReply, (int Code, Leader? Leader)> read)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new()
    {
        var start = Stopwatch.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            string why;
            try
            {
                var reply = await members[_at].CallAsync(method, request, new CallOptions(CallLimit))
                    .ConfigureAwait(false);
                var (code, leader) = read(reply.Message);
                if (code != ErrorCatalog.NotLeader.Number && code != ErrorCatalog.ClusterStarting.Number)
                {
                    return reply;
                }

                why = $"{reply.Message}";
                reply.Dispose();
                _at = leader != null && (int)leader.Member - 1 != _at
                    ? (int)leader.Member - 1 : (_at + 1) % members.Count;
            }
            catch (RpcException error)
            {
                why = error.Message;
                _at = (_at + 1) % members.Count;
            }

            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new TimeoutException($"{method}, {attempt} attempts: {why}");
            }

            Repeated++;
            await WaitAsync(attempt).ConfigureAwait(false);
        }
    }

    // The first attempts elsewhere at once, then a little apart: a new leader is found within 10 ms of its election.
    private async ValueTask WaitAsync(int attempt)
    {
        if (attempt >= members.Count)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
    }
}
