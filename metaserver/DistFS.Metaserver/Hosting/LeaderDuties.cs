using System.Security.Cryptography;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Sessions;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;
using DistFS.Native;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// What a leader does without being asked: the first entry of a new cluster, the end of sessions whose time is over,
/// and the collection of what nobody needs any more. What it proposes is the same whoever proposes it and however
/// often, so nothing depends on there being one leader only.
/// </summary>
internal sealed partial class LeaderDuties : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    // A step of collection holds up what comes behind it for some milliseconds; so many steps in a round at most.
    private const uint CollectRowsMax = 1_000;
    private const int StepsMax = 20;

    // rwxr-xr-x, as a new file system has it.
    private const uint RootMode = 0b111_101_101;

    private readonly RaftDriver _driver;
    private readonly MetadataState _state;
    private readonly ClusterId _cluster;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly LeadTime _lead = new();
    private readonly DutyLoop _loop;

    public LeaderDuties(
        RaftDriver driver,
        MetadataState state,
        ClusterId cluster,
        TimeProvider clock,
        ILogger logger,
        Action<DistFsException> onFailed)
    {
        (_driver, _state, _cluster, _clock, _logger) = (driver, state, cluster, clock, logger);
        _loop = new DutyLoop(driver.Self, Interval, clock, LookAroundAsync, onFailed);
    }

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private async Task LookAroundAsync(CancellationToken cancellation)
    {
        for (var i = 0; i < StepsMax; i++)
        {
            // Term and time come first: a pause after them makes this leader's time older, and whose session could not
            // be heard of meanwhile is not ended for it.
            var (term, now) = (_driver.LeadTerm, FileTime.Of(_clock.GetUtcNow()));
            if (term == 0 || Led() is not { } led || Due(led, now) is not { } command)
            {
                break;
            }

            command.LeaderTime = new Time { Seconds = now.Seconds, Nanoseconds = now.Nanoseconds };
            var outcome = await _driver.ProposeAsync(command.ToByteArray(), Timeout, term, cancellation)
                .ConfigureAwait(false);
            if (outcome.Status != CallStatus.Done)
            {
                // The next round tries again, if it is still due and still ours.
                LogNotDone(_logger, _driver.Self, command.KindCase, outcome.Status, outcome.Reason);
                break;
            }
        }
    }

    private TimeSpan? Led()
    {
        // Before it is asked whether it leads: a leadership that begins in between is then new to the next look.
        var leadership = _driver.Leadership;
        return _lead.Look(_driver.IsLeader, leadership, _clock.GetElapsedTime(0), _clock.GetUtcNow());
    }

    private MetadataCommand? Due(TimeSpan ledFor, FileTime at) => _state.Read(
        (duties: this, led: ledFor, now: at), static (store, asked) =>
        {
            if (MetadataView.Open(store) is not { } view)
            {
                return asked.duties.Bootstrap();
            }

            if (SessionExpiry.IsDue(store, asked.now, asked.led))
            {
                return new MetadataCommand
                {
                    ExpireSessions = new ExpireSessionsRequest { LedMs = (ulong)asked.led.TotalMilliseconds },
                };
            }

            return view.HasCollectableAt(asked.now)
                ? new MetadataCommand { Collect = new CollectRequest { RowsMax = CollectRowsMax } } : null;
        });

    /// <summary>The root directory is his who runs the first leader: so whoever makes a cluster may use it.</summary>
    private MetadataCommand Bootstrap()
    {
        var (uid, gid) = OperatingSystem.IsWindows() ? (0, 0) : (Posix.Identity().User, Posix.Identity().Group);
        return new MetadataCommand { Bootstrap = BootstrapOf(uid, gid) };
    }

    private BootstrapRequest BootstrapOf(uint uid, uint gid) => new()
    {
        ClusterHigh = (ulong)(_cluster.Value >> 64),
        ClusterLow = (ulong)_cluster.Value,
        NameKeyHigh = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        NameKeyLow = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
        Mode = RootMode,
        Uid = uid,
        Gid = gid,
    };

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Metaserver {Self} proposed {Kind} as leader: {Status}. {Reason} It tries again while it leads.")]
    private static partial void LogNotDone(
        ILogger logger, MemberId self, MetadataCommand.KindOneofCase kind, CallStatus status, string? reason);
}
