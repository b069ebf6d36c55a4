if (typeof req.query.harness === "string" && req.query.harness) {
  where.push("s.harness = ?");
  params.push(req.query.harness);
}
