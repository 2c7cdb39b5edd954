using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using DistFS.Rpc.Services;
using Google.Protobuf;

namespace DistFS.Metaserver.Services;

/// <summary>What clients ask: turned into commands of the log, answered with what the state machine replied.</summary>
/// <param name="driver">Of this member.</param>
/// <param name="clock">The leader's clock, which its commands carry.</param>
/// <param name="stages">What operations pass on their way to the log and back, outermost first.</param>
internal sealed class MetadataService(RaftDriver driver, TimeProvider clock, IReadOnlyList<IMutationStage> stages)
{
    // What a call without a deadline gets: nothing here waits without end.
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);

    /// <summary>Offers the service.</summary>
    public void AddTo(RpcDispatcher dispatcher)
    {
        dispatcher
            .Handle(MetadataMethods.OpenSession, OpenSession, HandlerScheduling.Inline)
            .Handle(MetadataMethods.KeepAlive, KeepAlive, HandlerScheduling.Inline)
            .Handle(MetadataMethods.EndSession, EndSession, HandlerScheduling.Inline)
            .Handle(MetadataMethods.Mutate, Mutate, HandlerScheduling.Inline);
    }

    private ValueTask<MetadataReply> OpenSession(OpenSessionCall request, ServerCall call) => ExecuteAsync(
        new MetadataCommand
        {
            OpenSession = new OpenSessionRequest
            {
                Nonce = request.Nonce,
                LeaseMs = request.LeaseMs,
                Leases = request.Leases,
            },
        },
        call);

    private ValueTask<MetadataReply> KeepAlive(KeepAliveCall request, ServerCall call) =>
        ExecuteAsync(new MetadataCommand { Client = request.Client, KeepAlive = new KeepAliveRequest() }, call);

    private ValueTask<MetadataReply> EndSession(EndSessionCall request, ServerCall call) => ExecuteAsync(
        new MetadataCommand
        {
            Client = request.Client,
            EndSession = new EndSessionRequest { BelievesNoLease = true },
        },
        call);

    private ValueTask<MetadataReply> Mutate(MutateCall request, ServerCall call)
    {
        if (!driver.IsLeader)
        {
            // Asked once: who begins to lead just now has not passed the stages.
            return new(NotLeader());
        }

        var command = new MetadataCommand
        {
            Client = request.Client,
            Sequence = request.Sequence,
            Acknowledged = request.Acknowledged,
            Mutate = request.Request,
        };
        return stages.Count == 0 ? ExecuteAsync(command, call) : MutateInStagesAsync(command, call);
    }

    private async ValueTask<MetadataReply> MutateInStagesAsync(MetadataCommand command, ServerCall call)
    {
        MutateRequest request;
        try
        {
            request = MutateRequest.Parser.ParseFrom(command.Mutate);
        }
        catch (InvalidProtocolBufferException)
        {
            return new MetadataReply { Status = (int)FsStatus.Invalid };
        }

        var deadline = TimeProvider.System.GetElapsedTime(0)
            + (call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax);
        var mutation = new Mutation(command, request, deadline, call.CancellationToken);
        return await PassAsync(mutation, call, 0).ConfigureAwait(false) ?? mutation.Reply!;
    }

    /// <summary>
    /// Through this stage and those behind it. A stage that was entered is left, also when one behind it failed.
    /// </summary>
    /// <returns>The refusal of a stage; null: the mutation has its reply.</returns>
    private async ValueTask<MetadataReply?> PassAsync(Mutation mutation, ServerCall call, int stage)
    {
        if (stage == stages.Count)
        {
            mutation.Reply = await ExecuteAsync(mutation.Command, call, mutation.Term).ConfigureAwait(false);
            return null;
        }

        if (await stages[stage].EnterAsync(mutation).ConfigureAwait(false) is { } refusal)
        {
            return refusal;
        }

        try
        {
            return await PassAsync(mutation, call, stage + 1).ConfigureAwait(false);
        }
        finally
        {
            await stages[stage].LeaveAsync(mutation, mutation.Reply).ConfigureAwait(false);
        }
    }

    private async ValueTask<MetadataReply> ExecuteAsync(MetadataCommand command, ServerCall call, ulong term = 0)
    {
        if (!driver.IsLeader)
        {
            return NotLeader();
        }

        command.LeaderTime = Now();
        var timeout = call.TimeRemaining < TimeoutMax ? call.TimeRemaining : TimeoutMax;
        if (timeout <= TimeSpan.Zero)
        {
            throw new RpcException(
                ErrorCatalog.DeadlineExceeded, "The time was over before the request was looked at.");
        }

        var outcome = await driver.ProposeAsync(command.ToByteArray(), timeout, term, call.CancellationToken)
            .ConfigureAwait(false);
        return outcome.Status switch
        {
            CallStatus.Done => MetadataReply.Parser.ParseFrom(outcome.Reply.Span),
            CallStatus.NotLeader or CallStatus.Replaced => NotLeader(),
            CallStatus.Busy => throw new RpcException(ErrorCatalog.Overloaded, outcome.Reason ?? "Later."),
            CallStatus.TooLarge => throw new RpcException(ErrorCatalog.MessageTooLarge, outcome.Reason!),
            CallStatus.Refused => throw new RpcException(ErrorCatalog.BadRequest, outcome.Reason!),
            _ => throw new RpcException(
                ErrorCatalog.NotLeader,
                $"Metaserver {driver.Self} cannot tell what became of the request: "
                    + (outcome.Reason ?? "it was not decided in time."),
                outcomeUnknown: true),
        };
    }

    private MetadataReply NotLeader()
    {
        var (status, code, leader) = Redirection.Of(driver);
        return new MetadataReply { Status = status, Code = code, Leader = leader };
    }

    private Time Now()
    {
        var time = FileTime.Of(clock.GetUtcNow());
        return new Time { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
    }
}
