using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Cluster;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Client.Cluster;

/// <content>Leases. The status of an answer is looked at by the caller: its code says what to do next.</content>
internal sealed partial class MetadataChannel
{
    /// <summary>Leases, each granted or not for itself.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public Task<LeaderReply<AcquireLeasesReply>> AcquireAsync(
        AcquireLeasesRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskAsync(LeaseMethods.Acquire, request, static reply => reply.Status, limit, limit, cancellation);

    /// <summary>Leases are given up.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<LeaseStatus> ReleaseAsync(
        ReleaseLeasesRequest request, TimeSpan limit, CancellationToken cancellation) =>
        (await AskAsync(LeaseMethods.Release, request, static reply => reply.Status, limit, AttemptMax, cancellation)
            .ConfigureAwait(false)).Reply.Status;

    /// <summary>A new leader is told of leases.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public async Task<ReclaimLeasesReply> ReclaimAsync(
        ReclaimLeasesRequest request, TimeSpan limit, CancellationToken cancellation) =>
        (await AskAsync(LeaseMethods.Reclaim, request, static reply => reply.Status, limit, AttemptMax, cancellation)
            .ConfigureAwait(false)).Reply;

    /// <summary>The session is alive, and hears of recalls: at the latest after a third of its lease time.</summary>
    /// <exception cref="DistFsException">No answer in time.</exception>
    public Task<LeaderReply<WaitForRecallsReply>> WaitForRecallsAsync(
        WaitForRecallsRequest request, TimeSpan limit, CancellationToken cancellation) =>
        AskAsync(LeaseMethods.WaitForRecalls, request, static reply => reply.Status, limit, limit, cancellation);

    private Task<LeaderReply<TReply>> AskAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        Func<TReply, INamesLeader> answerOf,
        TimeSpan limit,
        TimeSpan attemptMax,
        CancellationToken cancellation)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage<TReply>, new() => _leader.AskAsync(
            method, request, answerOf, new LeaderCall(limit, attemptMax, Lane.Priority), cancellation);
}
