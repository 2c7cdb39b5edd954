using DistFS.Metaserver.Consensus;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metaserver.Chunks;

/// <summary>What a leader proposes by itself.</summary>
internal interface IProposals
{
    /// <summary>
    /// Proposes a command. Null: nobody knows whether it is done, or it is not; it may be proposed again, since what
    /// leaders propose by themselves fits the state or is refused by it.
    /// </summary>
    ValueTask<MetadataReply?> TryAsync(MetadataCommand command, CancellationToken cancellation);
}

/// <summary>Proposals to the log.</summary>
/// <param name="driver">Of this member.</param>
/// <param name="clock">The leader's.</param>
/// <param name="term">Nothing is proposed in another one than this; 0: in whatever.</param>
internal sealed class Proposals(RaftDriver driver, TimeProvider clock, ulong term = 0) : IProposals
{
    /// <summary>Waits no longer than this.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Those of a leader that has looked at the state in one term.</summary>
    public Proposals In(ulong ofTerm) => new(driver, clock, ofTerm);

    /// <inheritdoc/>
    public async ValueTask<MetadataReply?> TryAsync(MetadataCommand command, CancellationToken cancellation)
    {
        var now = FileTime.Of(clock.GetUtcNow());
        command.LeaderTime = new Time { Seconds = now.Seconds, Nanoseconds = now.Nanoseconds };
        var outcome = await driver.ProposeAsync(command.ToByteArray(), Timeout, term, cancellation)
            .ConfigureAwait(false);
        return outcome.Status == CallStatus.Done ? MetadataReply.Parser.ParseFrom(outcome.Reply.Span) : null;
    }
}
