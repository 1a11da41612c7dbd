// Shows /api-docs/openapi.json with Swagger UI, which vendor/swagger-ui.js has made known as a global.

SwaggerUIBundle({
  url: "/api-docs/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  // Otherwise the document is sent to a validator elsewhere.
  validatorUrl: null,
});
