namespace DistFS.Cli.Tests.SampleVerbs;

/// <summary>Waits until it is interrupted.</summary>
internal sealed class WaitVerb : SampleVerb
{
    public override async Task<int> RunAsync(VerbContext context)
    {
        await new TaskCompletionSource().Task.WaitAsync(context.Cancellation);
        return ExitCodes.Ok;
    }
}
