using System.Runtime.CompilerServices;
using DistFS.Metaserver.Consensus;
using DistFS.Rpc;

namespace DistFS.Benchmarks.Raft;

/// <summary>The methods of raft_bench.proto over a driver.</summary>
internal sealed class RegisterService(RaftDriver driver, RegisterMachine machine)
{
    public static readonly RpcMethod<PutRequest, PutReply> Put =
        RpcMethod<PutRequest, PutReply>.Of(RaftBenchReflection.Descriptor, "Registers", "Put");

    public static readonly RpcMethod<GetRequest, GetReply> Get =
        RpcMethod<GetRequest, GetReply>.Of(RaftBenchReflection.Descriptor, "Registers", "Get");

    public static readonly RpcMethod<LookRequest, LookReply> Look =
        RpcMethod<LookRequest, LookReply>.Of(RaftBenchReflection.Descriptor, "Registers", "Look");

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Handlers only queue: they may run on the receiving loop.</summary>
    public void AddTo(RpcDispatcher dispatcher) => dispatcher
        .Handle(Put, PutAsync, HandlerScheduling.Inline)
        .Handle(Get, GetAsync, HandlerScheduling.Inline)
        .Handle(Look, LookAsync);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<PutReply> PutAsync(PutRequest request, ServerCall call)
    {
        var outcome = await driver.ProposeAsync(request.Command.Memory, Limit).ConfigureAwait(false);
        return new PutReply { Status = (uint)outcome.Status, Leader = driver.Leader.Value };
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<GetReply> GetAsync(GetRequest request, ServerCall call)
    {
        var outcome = await driver.ReadAsync(Limit).ConfigureAwait(false);
        return new GetReply
        {
            Status = (uint)outcome.Status,
            Leader = driver.Leader.Value,
            Value = outcome.Status == CallStatus.Done ? machine.Get(request.Key) : 0,
        };
    }

    private async ValueTask<LookReply> LookAsync(LookRequest request, ServerCall call)
    {
        var status = await driver.StatusAsync(Limit, call.CancellationToken).ConfigureAwait(false);
        return new LookReply
        {
            Leader = status.Leader.Value,
            Term = status.Term.Value,
            Commit = status.Commit.Value,
            Applied = driver.Applied.Value,
            Hash = machine.Hash,
            Allocated = (ulong)GC.GetTotalAllocatedBytes(),
        };
    }
}
