using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using DistFS.Cli.Output;
using DistFS.Metaserver.Services;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc;
using Spectre.Console;

namespace DistFS.Cli.Verbs;

/// <summary><c>dfs members</c>: the metaservers of a cluster, and changes of them.</summary>
internal sealed class MembersVerb : Verb
{
    private const string List = "list";
    private const string Remove = "remove";
    private const string Transfer = "transfer";

    private readonly Argument<string?> _action = new("action")
    {
        Description = "list, remove or transfer [default list]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Argument<ulong?> _member = new("member")
    {
        Description = "The number of a metaserver, as 'dfs members' shows it",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<RpcAddress[]> _meta =
        CliArguments.Addresses("--meta", "Metaservers, any of them [default those of --cluster]");

    private readonly Option<bool> _force = new("--force")
    {
        Description = "Remove it also if no majority of the others seems to be alive: the cluster may stop for good",
    };

    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Say what would be done, and do nothing",
    };

    public override string Summary => "Show the metaservers of a cluster, remove one, or choose which leads";

    public override VerbGroup Group => VerbGroup.Cluster;

    public override IReadOnlyList<Example> Examples =>
    [
        new("dfs members --meta 10.0.0.1:7100", "show who the members are, who leads, and who is behind"),
        new("dfs members remove 3 --meta 10.0.0.1:7100", "take metaserver 3 out, alive or dead"),
        new("dfs members transfer 2 --meta 10.0.0.1:7100", "let metaserver 2 lead"),
        new("dfs members transfer --meta 10.0.0.1:7100", "let any other one lead, before the machine is restarted"),
        new("dfs members --json | jq '.members[] | select(.alive | not)'", "find the dead ones in a script"),
    ];

    public override void Configure(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        _action.CompletionSources.Add(_ => new[] { List, Remove, Transfer }.Select(name =>
            new System.CommandLine.Completions.CompletionItem(name)));
        command.Arguments.Add(_action);
        command.Arguments.Add(_member);
        command.Options.Add(_meta);
        command.Options.Add(_force);
        command.Options.Add(_dryRun);
        command.Validators.Add(result =>
        {
            var action = result.GetValue(_action) ?? List;
            var hasMember = result.GetResult(_member) is { Tokens.Count: > 0 };
            if (action is not (List or Remove or Transfer))
            {
                result.AddError($"'{action}' is none of list, remove and transfer.");
            }
            else if (hasMember ? action == List : action == Remove)
            {
                result.AddError(hasMember ? "list takes no number." : "Which one? Give the number of a metaserver.");
            }
            else if (result.GetValue(_force) && action != Remove)
            {
                result.AddError("--force is for remove.");
            }
        });
    }

    public override async Task<int> RunAsync(VerbContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var addresses = context.Get(_meta) is { Length: > 0 } given ? given : context.Settings.RequireCluster();
        var client = new AdminClient(addresses);
        await using (client.ConfigureAwait(false))
        {
            var timeout = context.Settings.Timeout;
            var member = context.Get(_member) ?? 0;
            var action = context.Get(_action) ?? List;
            switch (action)
            {
                case Remove:
                    var request = new RemoveRequest
                    {
                        Member = member,
                        Force = context.Get(_force),
                        CheckOnly = context.Get(_dryRun),
                    };
                    await client.RemoveAsync(request, timeout, context.Cancellation).ConfigureAwait(false);
                    Tell(context, request.CheckOnly
                        ? $"Metaserver {member} would be removed."
                        : $"Metaserver {member} is removed.");
                    break;
                case Transfer when !context.Get(_dryRun):
                    var leader = (await client.TransferAsync(
                        new TransferRequest { Member = member }, timeout, context.Cancellation)
                        .ConfigureAwait(false)).Leader;
                    Tell(context, leader == null
                        ? "The leadership was handed over."
                        : $"Metaserver {leader.Member} leads, at {leader.Address}.");
                    break;
                case Transfer:
                    var to = member == 0 ? "the one that has most of the log" : $"metaserver {member}";
                    Tell(context, $"The leadership would go to {to}.");
                    break;
                default:
                    break;
            }

            var reply = await client.MembersAsync(timeout, context.Cancellation).ConfigureAwait(false);
            if (context.Json)
            {
                context.WriteJson(ReportOf(reply), MembersJson.Default.MembersReport);
            }
            else if (action == List)
            {
                Show(context, ReportOf(reply));
            }

            return ExitCodes.Ok;
        }
    }

    private static void Tell(VerbContext context, string text)
    {
        if (!context.Json)
        {
            context.Host.Out.WriteLine(text);
        }
    }

    private static MembersReport ReportOf(MembersReply reply) => new(
        $"{new ClusterId(new UInt128(reply.ClusterHigh, reply.ClusterLow))}",
        reply.Self,
        reply.Leader,
        reply.Term,
        reply.Commit,
        reply.Applied,
        reply.IsChanging,
        [.. reply.Members.Select(member => ReportOf(member, reply))]);

    private static MemberReport ReportOf(MemberInfo member, MembersReply reply)
    {
        // Only a leader knows of the others; who is asked instead knows of itself.
        var isKnown = reply.Self == reply.Leader || member.Member == reply.Self;
        return new MemberReport(
            member.Member,
            member.Address,
            member.Part.ToString().ToLowerInvariant(),
            member.Member == reply.Leader,
            isKnown ? member.IsAlive : null,
            isKnown ? member.Match : null,
            isKnown ? reply.Last - Math.Min(member.Match, reply.Last) : null,
            isKnown && member.HeardMsAgo != uint.MaxValue ? member.HeardMsAgo : null,
            member.InSnapshot);
    }

    private static void Show(VerbContext context, MembersReport report)
    {
        var table = Consoles.PlainTable("MEMBER", "ADDRESS", "ROLE", "STATE", "LOG", "BEHIND", "HEARD");
        foreach (var member in report.Members)
        {
            table.AddRow(
                new Text($"{member.Id}"),
                new Text(member.Address),
                new Text(member.Leads ? "leader" : member.Role),
                new Text(member.Alive switch { true => "alive", false => "dead", null => "-" }),
                new Text(Number(member.Match)),
                new Text(member.InSnapshot ? "snapshot" : Number(member.Behind)),
                new Text(member.HeardMs is { } ms ? $"{Duration.ForPeople(TimeSpan.FromMilliseconds(ms))} ago" : "-"));
        }

        context.Out.Write(table);
        context.Host.Out.WriteLine(
            $"cluster {report.Cluster}, term {report.Term}, committed {report.Commit}, applied {report.Applied}"
            + (report.Leader == 0 ? ", no leader" : "")
            + (report.Changing ? ", the members are changing" : ""));
    }

    private static string Number(ulong? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}

/// <summary>The document of <c>dfs members --json</c>.</summary>
/// <param name="Cluster">Its id.</param>
/// <param name="AnsweredBy">Which member says so; if it is not the leader, it knows little of the others.</param>
/// <param name="Leader">0 if none is known.</param>
/// <param name="Term">Of the consensus.</param>
/// <param name="Commit">The last entry that a majority has.</param>
/// <param name="Applied">The last entry that the one who answers has applied.</param>
/// <param name="Changing">A change of the members is under way.</param>
/// <param name="Members">All of them.</param>
internal sealed record MembersReport(
    string Cluster,
    ulong AnsweredBy,
    ulong Leader,
    ulong Term,
    ulong Commit,
    ulong Applied,
    bool Changing,
    MemberReport[] Members);

/// <summary>One metaserver; null is not known.</summary>
internal sealed record MemberReport(
    ulong Id,
    string Address,
    string Role,
    bool Leads,
    bool? Alive,
    ulong? Match,
    ulong? Behind,
    uint? HeardMs,
    bool InSnapshot);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MembersReport))]
internal sealed partial class MembersJson : JsonSerializerContext;
